import { type CliIo, type Command, parseCommand } from '../cli/command.ts'

/** What a command wrote. */
interface CliRun {
  readonly stdout: string
  readonly stderr: string
}

/** How a command is watched and ended. */
interface CliControl {
  readonly signal: AbortSignal
  onStdout(text: string): void
}

/** Runs a command without a process. @throws what the command throws */
export async function runCommand(command: Command, argv: readonly string[], control?: CliControl): Promise<CliRun> {
  let stdout = ''
  let stderr = ''
  const io: CliIo = {
    stdin: (async function* () {})(),
    stdout: {
      write: (text) => {
        stdout += text
        control?.onStdout(text)
      },
    },
    stderr: { write: (text) => (stderr += text) },
    signal: control?.signal ?? new AbortController().signal,
  }
  await command.run(parseCommand(command, argv), io)
  return { stdout, stderr }
}
