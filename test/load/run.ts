import { parseArgs } from 'node:util'
import { startCrowdedWorker } from './crowded-worker.ts'
import { describeLoad, memoryOverTime } from './load-report.ts'
import { runLoad } from './run-load.ts'

/** Growth of memory that is no leak: the heap of JavaScript breathes. */
const MOST_GROWTH = 0.1

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, users: { type: 'string', default: '32' } },
})
const seconds = 60 * Number(values.minutes)
await using worker = await startCrowdedWorker()
const tally = await runLoad(worker, { users: Number(values.users), seconds, questions: 40 })
process.stdout.write(`${describeLoad(tally, worker.vitals, seconds)}\n`)
const { early, late } = memoryOverTime(worker.vitals)
process.exitCode = tally.faults.length === 0 && late <= early * (1 + MOST_GROWTH) ? 0 : 1
