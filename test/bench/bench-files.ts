import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { loadGemma3VL } from '@loupe/model/node'
import { gemmaTokenizerJson } from '../support/tokenizer-files.ts'
import type { BenchModel, BenchSettings } from './bench-settings.ts'
import { PUBLISHED_CONFIGS } from './published-sizes.ts'
import { writeRandomGguf } from './random-gguf-file.ts'
import { writeRandomCheckpoint } from './write-checkpoint.ts'

const MEGABYTE = 1e6
const TELL_EVERY_MS = 5000
const SEED = 1

/** Writes the GGUF of a published size, and packs its weights, unless both are there. */
export async function benchModel(size: string, settings: BenchSettings): Promise<BenchModel> {
  const { folder, signal } = settings
  await mkdir(folder, { recursive: true })
  const path = join(folder, `loupe-random-${size}-Q4_0.gguf`)
  if (!existsSync(path)) {
    const tell = now(settings)
    const onTensor = (_: string, bytes: number) => tell(`${size}: ${Math.round(bytes / MEGABYTE)} MB written`)
    await writeRandomGguf({ size, path, seed: SEED, tokenizerJson: gemmaTokenizerJson(), signal, onTensor })
  }
  await pack(path, settings)
  return { size, path, bytes: (await stat(path)).size }
}

/** The tower of the 4B before the decoder of the 270M: all of what a picture costs, and little of what an answer does. */
const PICTURE_MODEL = '270m-vision'

/** Writes a checkpoint with a tower of the released size, unless it is there. @returns its directory */
export async function pictureModel(settings: BenchSettings): Promise<string> {
  const directory = join(settings.folder, `loupe-random-${PICTURE_MODEL}-bf16`)
  const tell = now(settings)
  const onProgress = (done: number, total: number) => {
    if (done < total) tell(`${PICTURE_MODEL}: ${Math.round(done / MEGABYTE)} of ${Math.round(total / MEGABYTE)} MB`)
  }
  const checkpoint = { size: PICTURE_MODEL, config: pictureConfig(), seed: SEED, dtype: 'BF16' as const, directory }
  await mkdir(directory, { recursive: true })
  await writeRandomCheckpoint({ ...checkpoint, shardBytes: 2 ** 31 }, { onProgress, signal: settings.signal })
  return directory
}

function pictureConfig(): object {
  const { '270m': text, '4b': seeing } = PUBLISHED_CONFIGS
  return { ...seeing, text_config: { ...text, vocab_size: 262_208 } }
}

/** Rewrites weights into the cache, so that a load that is timed is one of a second start. */
async function pack(path: string, settings: BenchSettings): Promise<void> {
  const tell = now(settings)
  const model = await loadGemma3VL(path, {
    cacheDirectory: settings.folder,
    signal: settings.signal,
    onProgress: ({ step, doneBytes, totalBytes }) => {
      if (step === 'pack') tell(`packing: ${Math.round((100 * doneBytes) / totalBytes)} %`)
    },
  })
  model[Symbol.dispose]()
}

/** Now and then. */
function now({ tell }: BenchSettings): (message: string) => void {
  let last = 0
  return (message) => {
    if (Date.now() - last < TELL_EVERY_MS) return
    last = Date.now()
    tell(message)
  }
}
