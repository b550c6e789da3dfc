import { bindWeights, openCheckpoint, readModelConfig } from '@loupe/model'
import type { Command } from './command.ts'
import { inspectReport } from './inspect-report.ts'
import { inspectText } from './inspect-text.ts'
import { modelDirectory } from './model-directory.ts'

/** `loupe inspect`: what a checkpoint is, from its configs and headers alone. Fails where loading it would fail. */
export const inspect: Command = {
  summary: 'show the config, tensors and memory of a checkpoint',
  help: `
usage: loupe inspect [--model DIR] [--json]

Reads config.json, generation_config.json and the headers of the weights; no weight is loaded. Shows the settings with
every default filled in, the tensors, and an estimate of the memory that the model takes.

  --model DIR   a checkpoint in Hugging Face layout (default: the embedded model)
  --json        one JSON object: directory, config, generation, tensors, totals, memory; sizes in bytes

example: loupe inspect --json | jq .totals.parameters`,
  options: { model: { type: 'string' }, json: { type: 'boolean' } },
  async run(args, { stdout }) {
    const { checkpointFiles } = await import('@loupe/model/node')
    const files = await checkpointFiles(await modelDirectory(args))
    const { config, generation } = await readModelConfig(files)
    const weights = bindWeights(await openCheckpoint(files), config)
    const report = inspectReport({ directory: files.directory, config, generation, weights })
    stdout.write(args.values['json'] === true ? `${JSON.stringify(report)}\n` : inspectText(report))
  },
}
