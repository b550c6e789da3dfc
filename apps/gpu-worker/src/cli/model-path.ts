import { stat } from 'node:fs/promises'
import { AppError } from '@loupe/shared/errors'
import { type CliArguments, stringOption } from './command.ts'

/**
 * The directory or file that `--model` names, or else the directory of the embedded model.
 *
 * @throws AppError `usage.invalid` when there is no such thing
 */
export async function modelPath(args: CliArguments): Promise<string> {
  const given = await existingPath(args, 'model')
  if (given !== undefined) return given
  // Loaded only when needed: it brings the runtime along.
  const { embeddedModelDirectory } = await import('@loupe/model/node')
  return embeddedModelDirectory()
}

/** A path that must lead somewhere. @throws AppError `usage.invalid` */
export async function existingPath(args: CliArguments, name: string): Promise<string | undefined> {
  const path = stringOption(args, name)
  if (path === undefined) return undefined
  await stat(path).catch((cause: unknown) => {
    throw new AppError('usage.invalid', `--${name}: there is no file or directory "${path}".`, { cause })
  })
  return path
}
