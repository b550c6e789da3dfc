import { access, constants, readFile, writeFile } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import {
  createImagePipeline,
  encodePng,
  fromPatches,
  IMAGE_SIDE,
  type ImagePipeline,
  type PictureCrop,
  type PreprocessedPicture,
} from '@loupe/shared/image'
import { type Command, stringOption } from './command.ts'

/** `loupe preprocess FILE...`: what the model sees of a picture. */
export const preprocess: Command = {
  summary: 'turn pictures into patches, as the edge does',
  help: `
usage: loupe preprocess FILE... [--pan-and-scan] [--avif] [--out DIR]

Prints one JSON line a file: {"file", "format", "width", "height", "patches_sha256", "crops": [{"box", "patches_sha256"}]},
or {"file", "error": {"code", "message"}}. Width and height are those of the upright picture; the hash is SHA-256 of the
patch bytes [4096, 588].

  --pan-and-scan   also cut elongated pictures into crops
  --avif           decode AVIF files too, as an edge does whose IMAGE_AVIF is on
  --out DIR        write what the model sees, 896x896, as DIR/NAME.png, and crops as DIR/NAME.crop-0.png

example: loupe preprocess --pan-and-scan --out /tmp/seen examples/*.png
`,
  options: { 'pan-and-scan': { type: 'boolean' }, avif: { type: 'boolean' }, out: { type: 'string' } },
  async run({ values, positionals }, io) {
    if (positionals.length === 0) throw new AppError('usage.invalid', 'Expected at least one FILE.')
    const { loadImageCodecs } = await import('@loupe/model/node')
    const pipeline = createImagePipeline(await loadImageCodecs({ avif: values['avif'] === true }))
    const out = stringOption({ values, positionals }, 'out')
    if (out !== undefined) {
      checkNames(positionals)
      await makeOut(out)
    }
    const panAndScan = values['pan-and-scan'] === true
    let failed = 0
    for (const file of positionals) {
      io.signal.throwIfAborted()
      const line = await describe(pipeline, file, panAndScan, out)
      if ('error' in line) failed++
      io.stdout.write(`${JSON.stringify({ file, ...line })}\n`)
    }
    if (failed > 0) io.stderr.write(`loupe preprocess: ${failed} of ${positionals.length} files failed\n`)
  },
}

/** @throws AppError `usage.invalid` when nothing can be written there */
async function makeOut(path: string): Promise<void> {
  const { makeDirectory } = await import('@loupe/model/node')
  try {
    await makeDirectory(path)
    await access(`${path}/`, constants.W_OK) // no file in its place passes
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new AppError('usage.invalid', `--out: ${path} is no folder that can be written to (${code}).`, { cause })
  }
}

/** Two files of one name would be written over each other. */
function checkNames(files: readonly string[]): void {
  const names = new Map<string, string>()
  for (const file of files) {
    const { name } = parse(file)
    const other = names.get(name)
    if (other !== undefined) {
      throw new AppError('usage.invalid', `--out: ${other} and ${file} would both be written as ${name}.png.`)
    }
    names.set(name, file)
  }
}

async function describe(pipeline: ImagePipeline, file: string, panAndScan: boolean, out: string | undefined) {
  try {
    const picture = await pipeline.preprocess(await readPicture(file), { panAndScan })
    if (out !== undefined) await writeSeen(join(out, parse(file).name), picture)
    const { format, width, height, digest, crops } = picture
    return { format, width, height, patches_sha256: hex(digest), crops: crops.map(describeCrop) }
  } catch (thrown) {
    const { code, message } = AppError.from(thrown)
    return { error: { code, message } }
  }
}

function describeCrop({ box, digest }: PictureCrop) {
  return { box, patches_sha256: hex(digest) }
}

async function readPicture(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new AppError('usage.invalid', `Expected a readable file, found none at ${file}.`, { cause })
  }
}

async function writeSeen(base: string, { patches, crops }: PreprocessedPicture): Promise<void> {
  const size = { width: IMAGE_SIDE, height: IMAGE_SIDE }
  await writeFile(`${base}.png`, await encodePng(fromPatches(patches), size))
  for (const [i, crop] of crops.entries()) {
    await writeFile(`${base}.crop-${i}.png`, await encodePng(fromPatches(crop.patches), size))
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
