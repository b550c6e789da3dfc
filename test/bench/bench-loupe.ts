/** Measures Loupe on one model, when asked: `node test/bench/bench-loupe.ts --help`. */
import { integerOption } from '@loupe/gpu-worker/src/cli/command.ts'
import { jsonLines } from '@loupe/gpu-worker/src/cli/json-lines.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from '@loupe/gpu-worker/src/cli/model-options.ts'
import { createSampler, type Gemma3VLModel, type SequencePool } from '@loupe/model'
import { loadGemma3VL } from '@loupe/model/node'
import { decodeFigures, figures, promptIds } from './peer-llama-measures.ts'
import type { SideMeasure } from './peer-llama-process.ts'
import { processMemory } from './process-memory.ts'
import { runScript } from './script.ts'
import { type Cost, costOf } from './timing.ts'

await runScript({
  summary: 'bench-loupe: load a model with Loupe and measure it, one JSON object a line',
  help: `
usage: node test/bench/bench-loupe.ts --model FILE [--slots N] [--context N] [options of a model]

The other side of peer-llama.ts: the same lines on stdin, the same answers. Beside those of the peer it knows

  { "measure": "batch", "width": 8, "tokens": 16 }

decoding so many sequences at once, each a copy of what the first one holds. Every token is chosen, greedily.

  --slots N              sequences that there is room for (default: 1)
  --context N            most tokens of a sequence (default: 2560)
${MODEL_OPTIONS_HELP}`,
  options: { ...MODEL_OPTIONS, slots: { type: 'string' }, context: { type: 'string' } },
  async run(args, { stdin, stdout }) {
    const tell = (line: object) => stdout.write(`${JSON.stringify(line)}\n`)
    const { path, load } = await readModelOptions(args)
    const slots = integerOption(args, 'slots', 1, [1, 64])
    const capacityTokens = integerOption(args, 'context', 2560, [1, 2 ** 20])
    using stack = new DisposableStack()
    let side: Side | undefined
    const { wall, cpu } = await costOf(async () => {
      const model = stack.use(await loadGemma3VL(path, load))
      side = { model, pool: stack.use(model.openPool({ slots, capacityTokens })) }
      await prefill(side, 1)
    })
    if (side === undefined) return
    tell({ measure: 'load', wallMs: wall, cpuMs: cpu })
    // Written by the script that started this one.
    for await (const { value } of jsonLines(stdin)) tell(await measure(side, value as SideMeasure))
  },
})

/** A loaded model, with places for sequences. */
interface Side {
  readonly model: Gemma3VLModel
  readonly pool: SequencePool
}

async function measure(side: Side, { measure: name, tokens, context = 0, width = 1 }: SideMeasure): Promise<object> {
  if (name === 'memory') return { measure: name, memory: processMemory() }
  if (name === 'prefill') return { measure: name, tokens, ...figures(await costOf(() => prefill(side, tokens))) }
  if (name === 'decode') await prefill(side, context)
  return { measure: name, tokens, ...(await decode(side, tokens, width)) }
}

/** Reads a prompt into the first slot, and chooses what follows it. */
async function prefill({ model, pool }: Side, tokens: number): Promise<void> {
  for (let slot = 0; slot < pool.slots; slot++) pool.truncate(slot, 0)
  const logits = await pool.prefill(0, Int32Array.from(promptIds(tokens)), [])
  sampler(model).next(logits, 0)
}

/** Decodes tokens in some slots at once; those behind the first hold the same as it. */
async function decode({ model, pool }: Side, tokens: number, width: number) {
  const slots = Array.from({ length: width }, (_, slot) => slot)
  for (const slot of slots.slice(1)) {
    pool.truncate(slot, 0)
    pool.copy(0, slot)
  }
  const { vocabSize } = model.config.text
  const chooser = sampler(model)
  const costs: Cost[] = []
  for (let token = 0; token < tokens; token++) {
    const ids = Int32Array.from(slots, (slot) => 1000 + token + 100 * slot)
    const step = async () => {
      const logits = await pool.decode(slots, ids)
      for (const slot of slots) chooser.next(logits.subarray(slot * vocabSize, (slot + 1) * vocabSize), token)
    }
    costs.push(await costOf(step))
  }
  return decodeFigures(costs)
}

function sampler({ generationConfig: { topK, topP } }: Gemma3VLModel) {
  return createSampler({ temperature: 0, topK, topP, seed: 0 })
}
