import { type CliArguments, stringOption } from './command.ts'

/** The directory that `--model` names, or else that of the embedded model. */
export async function modelDirectory(args: CliArguments): Promise<string> {
  const given = stringOption(args, 'model')
  if (given !== undefined) return given
  // Loaded only when needed: it brings the runtime along.
  const { embeddedModelDirectory } = await import('@loupe/model/node')
  return embeddedModelDirectory()
}
