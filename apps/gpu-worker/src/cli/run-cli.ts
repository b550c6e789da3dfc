import { AppError } from '@loupe/shared/errors'
import { type CliIo, type Command, parseCommand } from './command.ts'
import { COMMANDS } from './commands.ts'

/** Runs one command line. @returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted */
export async function runCli(argv: readonly string[], io: CliIo = processIo()): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    io.stdout.write(overview())
    return name === undefined ? 2 : 0
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (entry === undefined) {
    io.stderr.write(`loupe: There is no command "${name}". [usage.invalid]\nSee loupe --help.\n`)
    return 2
  }
  try {
    const command = await entry.load()
    if (rest.includes('--help') || rest.includes('-h')) {
      io.stdout.write(helpText(name, command))
      return 0
    }
    await command.run(parseCommand(command, rest), io)
    return 0
  } catch (thrown) {
    if (io.signal.aborted) return 130
    return report(AppError.from(thrown), name, io)
  }
}

function report(error: AppError, name: string, io: CliIo): number {
  io.stderr.write(`loupe ${name}: ${error.message} [${error.code}]\n`)
  if (error.code === 'internal' && error.cause instanceof Error) io.stderr.write(`${error.cause.stack}\n`)
  if (error.code === 'usage.invalid') io.stderr.write(`See loupe ${name} --help.\n`)
  return error.code === 'usage.invalid' ? 2 : 1
}

function overview(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length))
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return `loupe: ask a question about a picture\n\nusage: loupe COMMAND [options]\n\n${lines.join('\n')}\n\nloupe COMMAND --help tells more.\n`
}

function helpText(name: string, command: Command): string {
  return `loupe ${name}: ${command.summary}\n\n${command.help.trim()}\n`
}

/** The real process: SIGINT and SIGTERM abort once, a second one ends at once. */
function processIo(): CliIo {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new AppError('request.cancelled', `Interrupted by ${name}.`))
    })
  }
  return { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, signal: controller.signal }
}
