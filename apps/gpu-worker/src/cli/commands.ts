import type { Command } from './command.ts'

/** Every sub-command, loaded only when it is called: `loupe tokenize` must not load ONNX Runtime. */
export const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {}
