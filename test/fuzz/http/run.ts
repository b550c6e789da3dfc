/** Hostile requests for as long as one likes: `node test/fuzz/http/run.ts --help`. */
import { readFileSync } from 'node:fs'
import { TINY_MODEL } from '@loupe/edge/src/testing/fake-worker.ts'
import { createKeyedApp, ADMIN_KEY as TEST_KEY } from '@loupe/edge/src/testing/key-admin.ts'
import { integerOption, stringOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'
import { runScript } from '../../bench/script.ts'
import { readDocument } from '../../contract/openapi/documented-api.ts'
import { DOCUMENT_PATH } from '../../contract/openapi/generate.ts'
import { ADMIN_KEY, MODEL, startStack } from '../../e2e/support/stack.ts'
import { describeHttpFinding, type HttpCampaign, type HttpTally, runHttpCampaign } from './http-campaign.ts'

const PROGRESS_MS = 10_000
const MINUTE_MS = 60_000

await runScript({
  summary: 'fuzz/http: makes requests of the OpenAPI document, spoils them, and holds the replies against it',
  help: `
usage: node test/fuzz/http/run.ts [--minutes N] [--seed N] [--case N] [--runtime NAME]

Every case is a request that the document allows, as it is or spoiled: wrong types, extremes, what is missing, what nobody
asked for, depth, length, broken JSON, other methods, headers and addresses. Each reply must be one that the document has,
with its status and schema, never a 5xx, and never a success where the document refuses the body. Progress goes to standard
error, the counts and what was found to standard output. Exit status 1 when something was found.

  --minutes N      how long (default: 1)
  --seed N         the same seed gives the same cases (default: 1)
  --case N         only this case of the seed
  --runtime NAME   node: the app with a worker in memory; workerd: the whole stack with the embedded model (default: node)`,
  options: {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    case: { type: 'string' },
    runtime: { type: 'string' },
  },
  async run(args, { stdout, stderr, signal }) {
    const minutes = integerOption(args, 'minutes', 1, [0, 100_000])
    const seed = integerOption(args, 'seed', 1, [0, 2 ** 31])
    const only = integerOption(args, 'case', -1, [-1, 2 ** 31])
    await using stack = new AsyncDisposableStack()
    const target = await startTarget(stringOption(args, 'runtime', 'node'), stack)
    const end = Date.now() + minutes * MINUTE_MS
    let shown = Date.now()
    const tally = await runHttpCampaign({
      ...target,
      api: readDocument(JSON.parse(readFileSync(DOCUMENT_PATH, 'utf8'))),
      seed,
      from: Math.max(only, 0),
      isOver: ({ cases }) => signal.aborted || (only >= 0 ? cases > 0 : Date.now() >= end),
      onCase(so) {
        if (Date.now() - shown < PROGRESS_MS) return
        shown = Date.now()
        stderr.write(`${describeProgress(so)}\n`)
      },
    })
    stdout.write(`${describeTally(tally)}\n`)
    if (tally.findings.length > 0) process.exitCode = 1
  },
})

type Target = Pick<HttpCampaign, 'send' | 'adminKey' | 'model' | 'isFrugal' | 'width'>

async function startTarget(runtime: string, stack: AsyncDisposableStack): Promise<Target> {
  if (runtime === 'node') {
    const app = await createKeyedApp({ config: { isOpen: true }, model: { context_length: 4096 } })
    return { send: app.request, adminKey: TEST_KEY, model: TINY_MODEL, isFrugal: false }
  }
  if (runtime === 'workerd') {
    const running = await startStack()
    stack.defer(() => running.close())
    const send: Target['send'] = (path, init) => fetch(`${running.edgeUrl}${path}`, init)
    return { send, adminKey: ADMIN_KEY, model: MODEL, isFrugal: true, width: 4 }
  }
  throw new AppError('usage.invalid', `--runtime takes node or workerd, not "${runtime}".`)
}

function describeProgress({ cases, findings, allowed, taken, slowest }: HttpTally): string {
  const slow = `slowest ${Math.round(slowest.ms)} ms, case ${slowest.index}`
  return `${cases} cases, ${findings.length} findings, ${taken} of ${allowed} allowed requests taken, ${slow}`
}

function describeTally(tally: HttpTally): string {
  const counts = [...tally.outcomes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, count]) => `  ${what} ${count}`)
  return [describeProgress(tally), ...counts, ...tally.findings.map(describeHttpFinding)].join('\n')
}
