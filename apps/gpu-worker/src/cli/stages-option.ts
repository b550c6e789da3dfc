import { type CliArguments, type Command, integerOption } from './command.ts'

/** Option of every command that can run a model in pipeline stages. */
export const STAGES_OPTION = { stages: { type: 'string' } } as const satisfies Command['options']

/** The line of {@link STAGES_OPTION} in a command's help. */
export const STAGES_OPTION_HELP =
  '  --stages N             pipeline stages that the layers are split into, at most one for each layer (default: 1)'

/** More than any model has layers. */
const MOST_STAGES = 1_000

/** Reads {@link STAGES_OPTION}. @throws AppError `usage.invalid` */
export function readStagesOption(args: CliArguments): number {
  return integerOption(args, 'stages', 1, [1, MOST_STAGES])
}
