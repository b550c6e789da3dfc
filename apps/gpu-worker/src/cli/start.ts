import { AppError } from '@loupe/shared/errors'
import { jsonLog } from '../log.ts'
import { type Command, integerOption } from './command.ts'
import { startEdge } from './edge-process.ts'
import { aborted } from './serve.ts'
import { readWorkerOptions, WORKER_OPTIONS, WORKER_OPTIONS_HELP } from './worker-options.ts'

/** `loupe start`: edge and worker on this machine, with the playground. */
export const start: Command = {
  summary: 'run edge, worker and playground on this machine',
  help: `
usage: loupe start [--model PATH]

Prints the address of the playground when all is ready, and the logs of both to standard error. Ctrl-C ends both.

${WORKER_OPTIONS_HELP}
  --port N               where the edge listens (default: 8787)
  --worker-port N        where the worker listens (default: 8790)`,
  options: { ...WORKER_OPTIONS, port: { type: 'string' }, 'worker-port': { type: 'string' } },
  async run(args, io) {
    const port = integerOption(args, 'port', 8787, [1, 65_535])
    const workerPort = integerOption(args, 'worker-port', 8790, [1, 65_535])
    const options = await readWorkerOptions(args)
    const { startWorker } = await import('../start-worker.ts')
    const log = jsonLog((line) => io.stderr.write(line))
    await using stack = new AsyncDisposableStack()
    io.stderr.write('starting the worker…\n')
    const worker = await startWorker({
      ...options,
      host: '127.0.0.1',
      port: workerPort,
      drainMs: 0,
      log,
      signal: io.signal,
    })
    stack.defer(() => worker.close())
    io.stderr.write('starting the edge…\n')
    const onOutput = (text: string) => io.stderr.write(text)
    const edge = await startEdge({ port, workerUrl: worker.url, onOutput, signal: io.signal })
    stack.defer(() => edge.stop())
    io.stdout.write(`\nLoupe answers with ${worker.modelName}. Playground: ${edge.url}/  API: ${edge.url}/v1\n`)
    await Promise.race([aborted(io.signal), edge.exited])
    if (!io.signal.aborted) throw new AppError('worker.lost', 'The edge ended by itself.')
  },
}
