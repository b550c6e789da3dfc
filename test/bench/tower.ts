/** Compares the ways to hold a vision tower: `node --expose-gc test/bench/tower.ts --help`. */
import { loadavg } from 'node:os'
import { integerOption, requiredOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import type { Gemma3VLModel } from '@loupe/model'
import { type LoadModelOptions, loadGemma3VL } from '@loupe/model/node'
import { cosine } from '../support/cosine.ts'
import { type ProcessMemory, settledMemory } from './process-memory.ts'
import { runScript } from './script.ts'
import { costOf, median } from './timing.ts'

/** The first one is what the others are compared with. */
const FORMS: Readonly<Record<string, Pick<LoadModelOptions, 'dtype' | 'activations'>>> = {
  f32: { dtype: { vision: 'f32' } },
  int8: { dtype: { vision: 'int8' } },
  'int8 with float32 rows': { dtype: { vision: 'int8' }, activations: 'float32' },
  int4: { dtype: { vision: 'int4' } },
}

const MEGABYTE = 1e6

/** Smooth, with noise: 64 by 64 patches of 14 by 14 pixels. */
const PICTURE = Uint8Array.from({ length: 4096 * 588 }, (_, index) => {
  const [patch, sample] = [Math.floor(index / 588), index % 588]
  const [y, x] = [(patch >> 6) * 14 + Math.floor(sample / 42), (patch & 63) * 14 + (Math.floor(sample / 3) % 14)]
  const noise = (Math.imul(index, 2_654_435_761) >>> 24) / 8 - 16
  return 128 + 100 * Math.sin(x / 40 + (index % 3)) * Math.cos(y / 60) + noise
})

await runScript({
  summary: 'tower: time, memory and error of the vision tower in each type',
  help: `
usage: node --expose-gc test/bench/tower.ts --model DIR [--forms TEXT] [--rounds N] [--threads N] [--cache-dir DIR]

All forms are held at once and look at the same picture in turns. Time: processor time of all threads for one picture,
over that of float32. Memory: what a loaded tower takes of the process's own. Features: cosine to those of float32, over all
and of the worst of the places of the picture.

  --model DIR      a checkpoint with a vision tower, such as one of random-checkpoint.ts
  --forms TEXT     beside f32, only those whose name contains it: ${Object.keys(FORMS).slice(1).join(', ')}
  --rounds N       pictures for each form (default: 3)
  --threads N      threads of a run (default: 2)
  --cache-dir DIR  where packed weights are kept (default: as in loupe)

Prints a Markdown table. A picture takes a released tower a minute on two cores.`,
  options: {
    model: { type: 'string' },
    forms: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
    'cache-dir': { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const cacheDirectory = stringOption(args, 'cache-dir')
    const common = {
      threads: integerOption(args, 'threads', 2, [1, 64]),
      ...(cacheDirectory === undefined ? {} : { cacheDirectory }),
    }
    const chosen = Object.entries(FORMS).filter(([name], index) => {
      return index === 0 || name.includes(stringOption(args, 'forms', ''))
    })
    using stack = new DisposableStack()
    const towers: Tower[] = []
    for (const [name, form] of chosen) {
      stderr.write(`load ${name}\n`)
      const model = await loadGemma3VL(requiredOption(args, 'model'), { ...common, ...form, signal })
      towers.push(await openTower(name, stack.use(model)))
    }
    for (let round = integerOption(args, 'rounds', 3, [1, 100]); round > 0; round--) {
      for (const tower of towers) {
        signal.throwIfAborted()
        stderr.write(`${tower.name}: ${round} to go\n`)
        tower.cpuMs.push((await costOf(() => tower.model.getImageFeatures(PICTURE, { signal }))).cpu)
      }
    }
    stdout.write('| tower | CPU s | of float32 | memory MB | features | worst place | load |\n')
    stdout.write('| --- | --- | --- | --- | --- | --- | --- |\n')
    const [baseline] = towers
    if (baseline !== undefined) for (const tower of towers) stdout.write(`| ${cells(tower, baseline).join(' | ')} |\n`)
  },
})

interface Tower {
  readonly name: string
  readonly model: Gemma3VLModel
  readonly memoryBytes: number
  /** `[m · d]` */
  readonly features: Float32Array
  readonly cpuMs: number[]
}

/** Loads a tower by looking at the picture once. */
async function openTower(name: string, model: Gemma3VLModel): Promise<Tower> {
  const before: ProcessMemory = await settledMemory()
  const features = await model.getImageFeatures(PICTURE)
  const { anonymous } = await settledMemory()
  return { name, model, memoryBytes: anonymous - before.anonymous, features, cpuMs: [] }
}

function cells({ name, model, memoryBytes, features, cpuMs }: Tower, baseline: Tower): (string | undefined)[] {
  const width = model.config.text.hiddenSize
  const ratio = median(cpuMs.map((ms, round) => ms / (baseline.cpuMs[round] ?? Number.NaN)))
  const places = Array.from({ length: features.length / width }, (_, place) => {
    const range = [place * width, (place + 1) * width] as const
    return cosine(features.subarray(...range), baseline.features.subarray(...range))
  })
  return [
    name,
    (median(cpuMs) / 1000).toFixed(2),
    ratio.toFixed(2),
    (memoryBytes / MEGABYTE).toFixed(0),
    cosine(features, baseline.features).toFixed(6),
    Math.min(...places).toFixed(6),
    loadavg()[0]?.toFixed(1),
  ]
}
