import { type CliIo, type Command, parseCommand } from '../cli/command.ts'

/** What a command wrote. */
export interface CliRun {
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command without a process. @throws what the command throws */
export async function runCommand(command: Command, argv: readonly string[], signal?: AbortSignal): Promise<CliRun> {
  let stdout = ''
  let stderr = ''
  const io: CliIo = {
    stdin: (async function* () {})(),
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    signal: signal ?? new AbortController().signal,
  }
  await command.run(parseCommand(command, argv), io)
  return { stdout, stderr }
}
