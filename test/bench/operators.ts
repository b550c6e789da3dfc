/** Compares the operators that multiply by a weight: `node --expose-gc test/bench/operators.ts --help`. */
import { cpus, loadavg } from 'node:os'
import { integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { OrtRuntime } from '@loupe/model/runtime'
import { LoadedCase } from './loaded-case.ts'
import { CANDIDATES, FLOAT32 } from './operator-candidates.ts'
import { CASES, type Case, randomActivations } from './operator-cases.ts'
import { runScript } from './script.ts'
import { takeTurns } from './timing.ts'

const MEGABYTE = 1e6

await runScript({
  summary: 'operators: which operator multiplies fastest by a weight, at the shapes of the published models',
  help: `
usage: node --expose-gc test/bench/operators.ts [--cases TEXT] [--candidates TEXT] [--rounds N] [--threads N]

Each candidate takes turns with float32 Gemm in one process; the ratio is the median over the rounds. Error: root mean
square of the difference to float32 over that of the result, for the first map; once on normal numbers, once with a
hundredth of the channels twenty times as large. Memory: anonymous bytes that loading takes, packed copies included,
beside the bytes of the weights in their file.

  --cases TEXT       only cases whose name contains it: ${CASES.map(({ name }) => name).join(', ')}
  --candidates TEXT  only candidates whose name contains it
  --rounds N         turns of each pair (default: 9)
  --threads N        threads of a run (default: 2)

Prints a Markdown table. Takes about 10 minutes on two cores.`,
  options: {
    cases: { type: 'string' },
    candidates: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const rounds = integerOption(args, 'rounds', 9, [1, 1000])
    using runtime = new OrtRuntime({ threads: integerOption(args, 'threads', 2, [1, 64]) })
    const named = <T extends { name: string }>(list: readonly T[], option: string) =>
      list.filter(({ name }) => name.includes(stringOption(args, option, '')))
    stdout.write(`${cpus()[0]?.model.trim()}, ${cpus().length} cores, ONNX Runtime ${runtime.version}\n\n`)
    stdout.write(
      '| case | operator | ms | CPU ms | of float32 | CPU of float32 | error | with outliers | file MB | memory MB | load |\n',
    )
    stdout.write('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n')
    for (const place of named(CASES, 'cases')) {
      using baseline = await LoadedCase.open(runtime, place, FLOAT32)
      for (const candidate of named(CANDIDATES, 'candidates')) {
        signal.throwIfAborted()
        stderr.write(`${place.name}: ${candidate.name}\n`)
        using other = await LoadedCase.open(runtime, place, candidate)
        const times = await takeTurns(baseline.parts.run, other.parts.run, rounds)
        const cells = [
          place.name,
          candidate.name,
          times.candidate.wall.toFixed(2),
          times.candidate.cpu.toFixed(2),
          times.ratio.wall.toFixed(2),
          times.ratio.cpu.toFixed(2),
          ...(await errors(place, baseline, other)).map((error) => error.toExponential(1)),
          (other.parts.fileBytes / MEGABYTE).toFixed(1),
          (other.parts.memoryBytes / MEGABYTE).toFixed(1),
          loadavg()[0]?.toFixed(1),
        ]
        stdout.write(`| ${cells.join(' | ')} |\n`)
      }
    }
  },
})

/** Of the first map, on plain activations and on some with outliers. */
async function errors({ rows, maps }: Case, baseline: LoadedCase, other: LoadedCase): Promise<number[]> {
  const found: number[] = []
  for (const hasOutliers of [false, true]) {
    const x = randomActivations(rows, maps[0]?.[1] ?? 0, hasOutliers)
    found.push(relativeError(await other.firstOf(x), await baseline.firstOf(x)))
  }
  return found
}

function relativeError(found: Float32Array, expected: Float32Array): number {
  let difference = 0
  let size = 0
  for (const [index, value] of expected.entries()) {
    difference += ((found[index] ?? 0) - value) ** 2
    size += value ** 2
  }
  return Math.sqrt(difference / size)
}
