/** From a file to patches, in workerd, beside others: `node test/bench/images.ts --help`. */
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'
import { type Pillow, startPillow } from '../reality/pillow-process.ts'
import { pixelDifference, shownDifference } from '../reality/pixel-difference.ts'
import { IMAGE_FILES, type ImageCase, imageCase } from './image-files.ts'
import { type ImageSide, type SideRun, sharpSide, startWorkerdSides } from './image-sides.ts'
import { runScript } from './script.ts'
import { median } from './timing.ts'

const MIB = 2 ** 20
/** Patches, and the pixels that they are cut from. */
const OUTPUT_BYTES = 2 * 896 * 896 * 3
const HEAD = ['picture', 'MB', 'side', 'ms', 'wanted', 'first', 'ratio', 'held, MB', 'to Pillow', 'load']

interface Measured {
  readonly side: string
  readonly runs: readonly SideRun[]
  readonly failure?: string
}

await runScript({
  summary:
    'images: milliseconds from the bytes of a picture to its patches, and how near they are to what Pillow makes',
  help: `
usage: node test/bench/images.ts [--only LIST] [--rounds N] [--python PATH] [--folder DIR] [--inside]

Ours and photon (image-rs in WebAssembly) run in workerd, sharp (libvips) in this process with one thread, Pillow in a
process of its own. All get the same bytes, in turn; the first turn warms up, and its time is told as "first". "held" is
WebAssembly memory after the run, for ours with the file and the output (2 x 2.4 MB) as well. A ratio is how many times as
long as ours; differences are to Pillow's result: largest and mean, in levels of 255.

  --only LIST    some of ${IMAGE_FILES.join(', ')}
  --rounds N     turns that count (default: 5)
  --python PATH  an interpreter that has Pillow; without it nothing is said of Pillow
  --folder DIR   where pictures are written, and found by the next run (default: loupe-bench-images, temporary)
  --inside       also tell where our time went: functions of WebAssembly, milliseconds

Prints a Markdown table. A first run makes the pictures, which takes a minute.`,
  options: {
    only: { type: 'string' },
    rounds: { type: 'string' },
    python: { type: 'string' },
    folder: { type: 'string' },
    inside: { type: 'boolean' },
  },
  async run(args, { stdout, stderr, signal }) {
    const rounds = integerOption(args, 'rounds', 5, [1, 100])
    const folder = stringOption(args, 'folder', join(tmpdir(), 'loupe-bench-images'))
    const files = readFiles(stringOption(args, 'only'))
    const cases: ImageCase[] = []
    for (const file of files) {
      signal.throwIfAborted()
      stderr.write(`${file}\n`)
      cases.push(await imageCase(file, folder))
    }
    const python = stringOption(args, 'python')
    using pillow = python === undefined ? undefined : await startPillow(python)
    await using workerd = await startWorkerdSides()
    const sides = { ours: workerd.loupe, photon: workerd.photon, sharp: sharpSide() }
    stdout.write(`${cpus()[0]?.model.trim()}; Pillow ${pillow?.version ?? 'not measured'}\n\n`)
    stdout.write(`| ${HEAD.join(' | ')} |\n| ${HEAD.map(() => '---').join(' | ')} |\n`)
    for (const picture of cases) {
      signal.throwIfAborted()
      const measured = await takeTurns(picture, sides, { rounds, pillow })
      for (const row of rowsOf(picture, measured)) stdout.write(`| ${row.join(' | ')} |\n`)
      if (args.values['inside'] === true) stderr.write(`${insideOf(measured)}\n`)
    }
  },
})

function readFiles(text: string | undefined): readonly string[] {
  if (text === undefined) return IMAGE_FILES
  return text.split(',').map((file) => {
    if (IMAGE_FILES.includes(file)) return file
    throw new AppError('usage.invalid', `--only: expected some of ${IMAGE_FILES.join(', ')}; found "${file}".`)
  })
}

/** Every side once a round, Pillow last. */
async function takeTurns(
  { bytes, path }: ImageCase,
  sides: Readonly<Record<string, ImageSide>>,
  { rounds, pillow }: { rounds: number; pillow: Pillow | undefined },
): Promise<Measured[]> {
  const all = { ...sides, ...(pillow === undefined ? {} : { Pillow: pillowSide(pillow, path) }) }
  const measured: { side: string; run: ImageSide; runs: SideRun[]; failure?: string }[] = Object.entries(all).map(
    ([side, run]) => ({ side, run, runs: [] }),
  )
  for (let round = 0; round <= rounds; round++) {
    for (const one of measured) {
      if (one.failure !== undefined) continue
      try {
        one.runs.push(await one.run(bytes))
      } catch (error) {
        one.failure = error instanceof Error ? error.message : String(error)
      }
    }
  }
  return measured
}

function pillowSide(pillow: Pillow, path: string): ImageSide {
  return async () => {
    const made = await pillow.resize(path)
    if ('error' in made) throw new Error(made.error)
    return { ms: median(made.ms), pixels: made.rgb }
  }
}

function rowsOf(picture: ImageCase, measured: readonly Measured[]): string[][] {
  const ours = measured[0]?.runs ?? []
  const reference = measured.find(({ side }) => side === 'Pillow')?.runs[0]
  return measured.map((one) => {
    const isOurs = one.side === 'ours'
    const counted = one.runs.slice(1)
    const ratios = counted.map(({ ms }, at) => ms / (ours[at + 1]?.ms ?? Number.NaN))
    return [
      picture.name,
      (picture.bytes.length / 1e6).toFixed(1),
      one.side,
      one.failure === undefined ? median(counted.map(({ ms }) => ms)).toFixed(0) : shortened(one.failure),
      (isOurs && picture.wantedMs?.toFixed(0)) || '',
      one.runs[0]?.ms.toFixed(0) ?? '',
      isOurs ? '' : median(ratios).toFixed(2),
      heldOf(one, isOurs ? picture.bytes.length + OUTPUT_BYTES : 0),
      apart(one.runs.at(-1), reference),
      loadavg()[0]?.toFixed(1) ?? '',
    ]
  })
}

function heldOf({ runs }: Measured, besides: number): string {
  const wasmBytes = runs.at(-1)?.wasmBytes
  return wasmBytes === undefined ? '' : ((wasmBytes + besides) / MIB).toFixed(1)
}

function apart(run: SideRun | undefined, reference: SideRun | undefined): string {
  if (run === undefined || reference === undefined) return 'not measured'
  return shownDifference(pixelDifference(run.pixels, reference.pixels))
}

function shortened(failure: string): string {
  return failure.replaceAll(/[\n|]/g, ' ').slice(0, 60)
}

/** Medians of what functions took. */
function insideOf(measured: readonly Measured[]): string {
  const runs = measured[0]?.runs.slice(1) ?? []
  const names = new Set(runs.flatMap(({ inside }) => Object.keys(inside ?? {})))
  return [...names]
    .map((name) => `${name} ${median(runs.map(({ inside }) => inside?.[name] ?? 0)).toFixed(1)}`)
    .join(', ')
}
