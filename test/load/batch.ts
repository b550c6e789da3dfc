import { parseArgs } from 'node:util'
import { runPictureBatch } from '../e2e/support/picture-batch.ts'
import { startStack } from '../e2e/support/stack.ts'

const HELP = `A batch of questions about pictures, with the real edge and worker, while both are killed.

  npm run -w test load:batch -- [--lines 500] [--kills 2] [--restarts 1]

  --lines      requests of the batch
  --kills      how often the worker is killed (SIGKILL) and started again
  --restarts   how often the edge is ended and started again

Ends with 1 unless every line is answered once, as its question is alone.
`

const { values } = parseArgs({
  options: {
    lines: { type: 'string', default: '500' },
    kills: { type: 'string', default: '2' },
    restarts: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})

/** Places in the batch, evenly apart. */
function places(count: number, lines: number, from: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor((lines * (index + from)) / (count + 1)))
}

async function run(lines: number, kills: number, restarts: number): Promise<boolean> {
  const stack = await startStack()
  try {
    const startMs = performance.now()
    let last = ''
    const report = await runPictureBatch(stack, {
      lines,
      killAt: places(kills, lines, 1),
      restartAt: places(restarts, lines, 0.9),
      onProgress: (text) => {
        if (text !== last) process.stdout.write(`${((performance.now() - startMs) / 1000).toFixed(1)} s: ${text}\n`)
        last = text
      },
    })
    const { batch, faults } = report
    process.stdout.write(`${faults.map((fault) => `${fault}\n`).join('')}`)
    process.stdout.write(
      `${batch.status}: ${JSON.stringify(batch.request_counts)}, worker killed ${report.kills} times, ` +
        `edge restarted ${report.restarts} times, ${faults.length} faults\n`,
    )
    return faults.length === 0 && batch.status === 'completed' && report.kills === kills
  } finally {
    await stack.close()
  }
}

if (values.help) process.stdout.write(HELP)
else process.exitCode = (await run(Number(values.lines), Number(values.kills), Number(values.restarts))) ? 0 : 1
