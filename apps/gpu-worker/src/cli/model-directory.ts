import { stat } from 'node:fs/promises'
import { AppError } from '@loupe/shared/errors'
import { type CliArguments, stringOption } from './command.ts'

/** The directory or file that `--model` names, or else the directory of the embedded model. @throws AppError `usage.invalid` */
export async function modelDirectory(args: CliArguments): Promise<string> {
  const given = stringOption(args, 'model')
  if (given !== undefined) return existing('model', given)
  // Loaded only when needed: it brings the runtime along.
  const { embeddedModelDirectory } = await import('@loupe/model/node')
  return embeddedModelDirectory()
}

async function existing(option: string, path: string): Promise<string> {
  await stat(path).catch((cause: unknown) => {
    throw new AppError('usage.invalid', `--${option}: ${path}: there is no such file or directory.`, { cause })
  })
  return path
}
