/** What the edge makes of a folder of pictures, and what Pillow makes of it: `node test/reality/compare-pillow.ts --help`. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative } from 'node:path'
import { integerOption, requiredOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { loadImageCodecs } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { createImagePipeline } from '@loupe/shared/image'
import { runScript } from '../bench/script.ts'
import { median } from '../bench/timing.ts'
import { type Compared, comparePictures, type OurPicture } from './compare-pictures.ts'
import { startPillow } from './pillow-process.ts'

const EXTENSIONS = new Set(['.png', '.apng', '.jpg', '.jpeg', '.jpe', '.jfif', '.webp', '.gif', '.avif'])
const HEAD = ['file', 'format', 'size', 'pixels', 'ours', 'Pillow', 'time, ours / Pillow']

await runScript({
  summary: 'compare-pillow: is every picture of a folder what Pillow makes of it?',
  help: `
usage: node test/reality/compare-pillow.ts FOLDER... --python PATH [--all] [--rounds N]

Every picture below the folders is turned upright, made RGB and resized to 896x896, by the edge's own pipeline (with AVIF
switched on) and by Pillow. What is to be expected: equal bytes; of a JPEG that needs more than 64 MB to decode at full
size, at most 16 levels apart; of AVIF 6; of 16-bit grey PNG anything, since Pillow clips it. A picture that only one side takes is told, with the reason of the other; that
Pillow alone takes it is a difference unless our limits or formats forbid it.

  --python PATH  an interpreter that has Pillow
  --all          also list the pictures that are as expected
  --rounds N     times to decode each, of which the median counts (default: 1)

Prints a Markdown table and a summary. The exit status is 1 if a picture is not as expected.`,
  options: { python: { type: 'string' }, all: { type: 'boolean' }, rounds: { type: 'string' } },
  async run(args, { stdout, stderr, signal }) {
    if (args.positionals.length === 0) throw new AppError('usage.invalid', 'Expected a folder, found none.')
    const rounds = integerOption(args, 'rounds', 1, [1, 100])
    using pillow = await startPillow(requiredOption(args, 'python'))
    const pipeline = createImagePipeline(await loadImageCodecs({ avif: true }))
    const ours = async (bytes: Uint8Array): Promise<OurPicture | AppError> => {
      const times: number[] = []
      for (let round = 0; ; round++) {
        const startMs = performance.now()
        try {
          const picture = await pipeline.preprocess(bytes)
          times.push(performance.now() - startMs)
          if (round + 1 === rounds) return { ...picture, ms: median(times) }
        } catch (error) {
          return AppError.from(error)
        }
      }
    }
    const counts = new Map<string, number>()
    stdout.write(`Pillow ${pillow.version}\n\n| ${HEAD.join(' | ')} |\n| ${HEAD.map(() => '---').join(' | ')} |\n`)
    for (const folder of args.positionals) {
      for await (const path of pictures(folder)) {
        signal.throwIfAborted()
        const bytes = await readFile(path)
        const compared = comparePictures(bytes, await ours(bytes), await pillow.resize(path, rounds))
        const kind = `${compared.format}: ${compared.outcome}`
        counts.set(kind, (counts.get(kind) ?? 0) + 1)
        if (!compared.isExpected) process.exitCode = 1
        if (!compared.isExpected || args.values['all'] === true) stdout.write(rowOf(relative(folder, path), compared))
      }
    }
    for (const [kind, count] of [...counts].sort()) stderr.write(`${String(count).padStart(6)} ${kind}\n`)
  },
})

/** All files with the name of a picture, links left out, in order. */
async function* pictures(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.sort((one, two) => (one.name < two.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* pictures(path)
    else if (entry.isFile() && EXTENSIONS.has(extname(entry.name).toLowerCase())) yield path
  }
}

function rowOf(file: string, { format, size, pixels, ours, pillow, ratio }: Compared): string {
  const cells = [file, format, size, pixels, ours, pillow, ratio === undefined ? '' : ratio.toFixed(2)]
  return `| ${cells.map((cell) => cell.replaceAll(/[\n|]/g, ' ')).join(' | ')} |\n`
}
