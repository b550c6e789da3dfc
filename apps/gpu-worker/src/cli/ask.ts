import { AppError } from '@loupe/shared/errors'
import type { Log } from '../log.ts'
import type { StartWorkerOptions } from '../start-worker.ts'
import { baseUrl } from './api-call.ts'
import { askApi, dataUri } from './ask-api.ts'
import { type CliArguments, type CliIo, type Command, integerOption, stringOption } from './command.ts'
import { freePort, startEdge } from './edge-process.ts'
import { packProgress } from './pack-progress.ts'
import { type ChosenOptions, readWorkerOptions, WORKER_OPTIONS, WORKER_OPTIONS_HELP } from './worker-options.ts'

/** `loupe ask`: one question about pictures, over the whole path that a client of the public API takes. */
export const ask: Command = {
  summary: 'ask a question about pictures',
  help: `
usage: loupe ask "question" IMAGE... [--model PATH] [--max-tokens N]
       loupe ask "question" IMAGE... --url URL [--model NAME]

Starts an edge and a worker, sends one request through the public API and streams the answer. With --url it asks a
server that runs already; its key, if it wants one, is taken from LOUPE_API_KEY.

${WORKER_OPTIONS_HELP}
  --url URL              an OpenAI-compatible server, without /v1; --model then names one of its models
  --max-tokens N         longest answer (default: the model's)

example: loupe ask "What is in this picture?" examples/red-circle.png`,
  options: { ...WORKER_OPTIONS, url: { type: 'string' }, 'max-tokens': { type: 'string' } },
  async run(args, io) {
    const [text, ...paths] = args.positionals
    if (text === undefined || text.trim() === '') throw new AppError('usage.invalid', 'A question is required.')
    const maxTokens = integerOption(args, 'max-tokens', 0, [0, 1_000_000])
    const images = await Promise.all(paths.map(dataUri))
    await using stack = new AsyncDisposableStack()
    const server = await findServer(args, io, stack)
    const question = { text, images, maxTokens: maxTokens === 0 ? undefined : maxTokens, signal: io.signal, ...server }
    for await (const piece of askApi(question)) io.stdout.write(piece)
    io.stdout.write('\n')
  },
}

const HOST = '127.0.0.1'

interface Server {
  readonly url: string
  readonly apiKey: string | undefined
  readonly model: string | undefined
}

/** The server that `--url` names, or one of our own, which the stack ends. */
async function findServer(args: CliArguments, io: CliIo, stack: AsyncDisposableStack): Promise<Server> {
  const url = stringOption(args, 'url')
  if (url !== undefined) {
    return { url: baseUrl(url), apiKey: process.env['LOUPE_API_KEY'], model: stringOption(args, 'model') }
  }
  const options = await readWorkerOptions(args)
  io.stderr.write('starting the edge and the worker…\n')
  const workerPort = await freePort() // known beforehand, so that both can start at the same time
  const failure = new AbortController()
  const signal = AbortSignal.any([io.signal, failure.signal])
  const starts = [
    startOwnEdge(workerPort, signal, stack),
    startOwnWorker({ ...options, port: workerPort, ...reportsTo(io.stderr), signal }, stack),
  ] as const
  for (const start of starts) start.catch((error: unknown) => failure.abort(error)) // one without the other is no use
  const [edge, worker] = await Promise.allSettled(starts) // by now all that was started is on the stack
  if (edge.status === 'rejected' || worker.status === 'rejected') throw signal.reason
  return { url: edge.value, apiKey: undefined, model: worker.value }
}

/** @returns its address */
async function startOwnEdge(workerPort: number, signal: AbortSignal, stack: AsyncDisposableStack): Promise<string> {
  const workerUrl = `http://${HOST}:${workerPort}`
  const edge = await startEdge({ port: await freePort(), workerUrl, onOutput: () => {}, signal })
  stack.defer(() => edge.stop())
  return edge.url
}

/** @returns the name of its model */
async function startOwnWorker(
  options: ChosenOptions & Pick<StartWorkerOptions, 'port' | 'log' | 'onProgress' | 'signal'>,
  stack: AsyncDisposableStack,
): Promise<string> {
  const { startWorker } = await import('../start-worker.ts')
  const worker = await startWorker({ ...options, host: HOST, drainMs: 0 })
  stack.defer(() => worker.close())
  return worker.modelName
}

/** What goes wrong reaches us through the API; what is only odd, or takes long, does not. */
function reportsTo(stderr: CliIo['stderr']): Pick<StartWorkerOptions, 'log' | 'onProgress'> {
  const log: Log = (level, _event, { detail }) => {
    if (level === 'warn') stderr.write(`warning: ${String(detail)}\n`)
  }
  return { log, onProgress: packProgress(stderr) }
}
