import { type CliIo, type Command, parseCommand } from '../cli/command.ts'
import { runCli } from '../cli/run-cli.ts'

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

/** Input arrives in pieces of this size, so that no command can count on whole lines or characters. */
const PIECE_BYTES = 7

/** Runs a whole command line without a process. @param input - of standard input */
export async function runLine(argv: readonly string[], input: string | Uint8Array = '') {
  const bytes = Buffer.from(input)
  let out = ''
  let err = ''
  const status = await runCli(argv, {
    stdin: (async function* () {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
    })(),
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    signal: new AbortController().signal,
  })
  return { status, out, err }
}
