import { type ParseArgsConfig, parseArgs } from 'node:util'
import { AppError } from '@loupe/shared/errors'

/** Where a command reads and writes. Injected, so that a test needs no process. */
export interface CliIo {
  readonly stdin: AsyncIterable<Uint8Array>
  /** Only the command's result goes here. */
  readonly stdout: { write(text: string): unknown }
  /** Progress, logs and errors. */
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
}

/** What a command was called with. */
export interface CliArguments {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
}

/** One sub-command of `loupe`. */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** Shown by `--help`: the form of the call, each option with its default, an example. */
  readonly help: string
  readonly options: NonNullable<ParseArgsConfig['options']>
  run(args: CliArguments, io: CliIo): Promise<void>
}

/** A string option, or its default. */
export function stringOption(args: CliArguments, name: string): string | undefined
export function stringOption(args: CliArguments, name: string, fallback: string): string
export function stringOption(args: CliArguments, name: string, fallback?: string): string | undefined {
  const value = args.values[name]
  return typeof value === 'string' ? value : fallback
}

/** A string option that the command cannot do without. @throws AppError `usage.invalid` */
export function requiredOption(args: CliArguments, name: string): string {
  const value = stringOption(args, name)
  if (value === undefined) throw new AppError('usage.invalid', `--${name} is required.`)
  return value
}

/** A whole number in a range, or its default. @throws AppError `usage.invalid` */
export function integerOption(args: CliArguments, name: string, fallback: number, range: [number, number]): number {
  const text = stringOption(args, name)
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < range[0] || value > range[1]) {
    throw new AppError(
      'usage.invalid',
      `--${name} takes a whole number from ${range[0]} to ${range[1]}, not "${text}".`,
    )
  }
  return value
}

/** Parses a command's own arguments. @throws AppError `usage.invalid` for an unknown option */
export function parseCommand(command: Command, argv: readonly string[]): CliArguments {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: command.options, allowPositionals: true })
    return { values, positionals }
  } catch (cause) {
    throw new AppError('usage.invalid', cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
