import { basename, dirname } from 'node:path'
import { bindWeights, openCheckpoint, openGgufModel, readModelConfig } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { type CliArguments, type Command, stringOption } from './command.ts'
import { type InspectedModel, inspectReport } from './inspect-report.ts'
import { inspectText } from './inspect-text.ts'
import { modelPath } from './model-path.ts'

/**
 * `loupe inspect`: what a checkpoint is, from its configs and headers alone. Fails where loading it would fail.
 */
export const inspect: Command = {
  summary: 'show the config, tensors and memory of a checkpoint',
  help: `
usage: loupe inspect [--model DIR] [--json]
       loupe inspect --model FILE.gguf [--mmproj FILE.gguf] [--json]

Reads config.json, generation_config.json and the headers of the weights; no weight is loaded. Shows the settings with
every default filled in, the tensors, and an estimate of the memory that the model takes with every weight in float32.

  --model PATH   a checkpoint in Hugging Face layout, or a GGUF language model (default: the embedded model)
  --mmproj FILE  the vision tower and projector that belong to a GGUF language model
  --json         one JSON object: directory, config, generation, tensors, totals, memory; sizes in bytes

example: loupe inspect --json | jq .totals.parameters`,
  options: { model: { type: 'string' }, mmproj: { type: 'string' }, json: { type: 'boolean' } },
  async run(args, { stdout }) {
    const model = stringOption(args, 'model')
    const report = inspectReport(model?.endsWith(GGUF) ? await ggufModel(model, args) : await checkpoint(args))
    stdout.write(args.values['json'] === true ? `${JSON.stringify(report)}\n` : inspectText(report))
  },
}

const GGUF = '.gguf'

async function checkpoint(args: CliArguments): Promise<InspectedModel> {
  if (stringOption(args, 'mmproj') !== undefined) {
    throw new AppError('usage.invalid', `--mmproj needs a --model that ends in ${GGUF}.`)
  }
  const { checkpointFiles } = await import('@loupe/model/node')
  const files = await checkpointFiles(await modelPath(args))
  const { config, generation } = await readModelConfig(files)
  const weights = bindWeights(await openCheckpoint(files), config)
  return { directory: files.directory, config, generation, weights }
}

async function ggufModel(model: string, args: CliArguments): Promise<InspectedModel> {
  const mmproj = stringOption(args, 'mmproj')
  const vision = mmproj === undefined ? undefined : await ggufSource(mmproj)
  const language = await ggufSource(model)
  return { directory: language.files.directory, ...(await openGgufModel(language, vision)) }
}

async function ggufSource(path: string) {
  const { checkpointFiles } = await import('@loupe/model/node')
  return { files: await checkpointFiles(dirname(path)), file: basename(path) }
}
