import { type Command, parseCommand } from '@loupe/gpu-worker/src/cli/command.ts'
import { AppError } from '@loupe/shared/errors'

/**
 * Runs a script of its own as if it were a command of `loupe`: `--help`, errors on stderr, and the exit status 0 done,
 * 1 failed, 2 wrong usage, 130 interrupted.
 */
export async function runScript(command: Command): Promise<void> {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort(new AppError('request.cancelled', 'Interrupted.')))
  const argv = process.argv.slice(2)
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(`${command.summary}\n\n${command.help.trim()}\n`)
    return
  }
  const { stdin, stdout, stderr } = process
  try {
    await command.run(parseCommand(command, argv), { stdin, stdout, stderr, signal: controller.signal })
  } catch (thrown) {
    const error = AppError.from(thrown)
    const stack = error.code === 'internal' && error.cause instanceof Error ? `${error.cause.stack}\n` : ''
    process.stderr.write(`${error.message} [${error.code}]\n${stack}`)
    process.exitCode = controller.signal.aborted ? 130 : error.code === 'usage.invalid' ? 2 : 1
  }
}
