import { type Command, integerOption } from './command.ts'
import { inspectReport } from './inspect-report.ts'
import { inspectText } from './inspect-text.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from './model-options.ts'

/** A conversation of some length. */
const DEFAULT_CAPACITY_TOKENS = 4096
/** No model was trained for more. */
const MOST_TOKENS = 2 ** 20

/**
 * `loupe inspect`: what a checkpoint is, and what it will be in memory, from its configs and headers alone. Fails where
 * loading it would fail.
 */
export const inspect: Command = {
  summary: 'show the config, tensors and memory of a checkpoint',
  help: `
usage: loupe inspect [--model PATH] [--dtype DTYPE] [--vision-dtype DTYPE] [--capacity N] [--json]

Reads config.json, generation_config.json and the headers of the weights; no weight is loaded. Shows the settings with
every default filled in, the tensors, how each of them would be held, and the memory that takes on a CPU.

The process's own memory has to fit. Pages of files count as resident too, but the system takes them back when it needs
room; weights that are read from them in every run are then slow. The prediction is for one conversation, with every
token of its capacity used; it is within a tenth of what was measured, see docs/performance.md.

  --capacity N           tokens of the conversation (default: ${DEFAULT_CAPACITY_TOKENS})
  --json                 one JSON object: directory, config, generation, tensors, totals, memory; sizes in bytes
${MODEL_OPTIONS_HELP}

example: loupe inspect --model ~/models/gemma-3-4b-it --dtype int4 --json | jq .memory.cpu.peak`,
  options: { ...MODEL_OPTIONS, capacity: { type: 'string' }, json: { type: 'boolean' } },
  async run(args, { stdout }) {
    const capacityTokens = integerOption(args, 'capacity', DEFAULT_CAPACITY_TOKENS, [1, MOST_TOKENS])
    const { path, load } = await readModelOptions(args)
    const { planModel } = await import('@loupe/model/node')
    const report = inspectReport(path, await planModel(path, { ...load, capacityTokens }), capacityTokens)
    stdout.write(args.values['json'] === true ? `${JSON.stringify(report)}\n` : inspectText(report))
  },
}
