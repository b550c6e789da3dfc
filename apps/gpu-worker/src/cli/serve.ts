import { jsonLog } from '../log.ts'
import { type Command, integerOption, stringOption } from './command.ts'
import { readWorkerOptions, WORKER_OPTIONS, WORKER_OPTIONS_HELP } from './worker-options.ts'

/** `loupe serve`: the worker, until it is told to stop. */
export const serve: Command = {
  summary: 'serve a model over the Open Inference Protocol',
  help: `
usage: loupe serve [--model PATH] [--port N] [--host ADDRESS]

Prints one line when it is ready, and logs JSON lines to standard error. SIGTERM or Ctrl-C lets running answers end.

${WORKER_OPTIONS_HELP}
  --port N               where to listen; 0 takes a free port (default: 8790)
  --host ADDRESS         (default: 127.0.0.1)
  --drain N              seconds that running answers have to end (default: 30)

example: loupe serve --model ~/models/gemma-3-4b-it`,
  options: { ...WORKER_OPTIONS, port: { type: 'string' }, host: { type: 'string' }, drain: { type: 'string' } },
  async run(args, io) {
    const options = {
      ...(await readWorkerOptions(args)),
      host: stringOption(args, 'host', '127.0.0.1'),
      port: integerOption(args, 'port', 8790, [0, 65_535]),
      drainMs: 1000 * integerOption(args, 'drain', 30, [0, 3600]),
      log: jsonLog((line) => io.stderr.write(line)),
      signal: io.signal,
    }
    const { startWorker } = await import('../start-worker.ts')
    const worker = await startWorker(options)
    io.stdout.write(`serving ${worker.modelName} on ${worker.url}\n`)
    await aborted(io.signal)
    await worker.close()
  },
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
