import { answerIds, createSampler, type Pipeline } from '@loupe/model'
import { type Command, integerOption, requiredOption } from './command.ts'
import { type ModelInputs, readModelInputs } from './model-inputs.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from './model-options.ts'
import { packProgress } from './pack-progress.ts'
import { readStagesOption, STAGES_OPTION, STAGES_OPTION_HELP } from './stages-option.ts'

/** `loupe generate`: continues every row of a batch, always with the likeliest token. */
export const generate: Command = {
  summary: 'continue the token ids of a file, greedily',
  help: `
usage: loupe generate [--model PATH] --inputs in.safetensors [--max-tokens N] [--stages N] [--dtype DTYPE]

Reads input_ids [b,t] and, where present, attention_mask [b,t] and images_u8 [n,S,S,3]. Writes one JSON array of exactly
N ids a row; end tokens are ids like any other, the place of a picture is never one.

  --inputs FILE          what to continue
  --max-tokens N         how many ids a row (default: 16)
${STAGES_OPTION_HELP}
${MODEL_OPTIONS_HELP}

example: loupe generate --inputs in.safetensors --max-tokens 32`,
  options: { ...MODEL_OPTIONS, ...STAGES_OPTION, inputs: { type: 'string' }, 'max-tokens': { type: 'string' } },
  async run(args, { signal, stderr, stdout }) {
    const maxTokens = integerOption(args, 'max-tokens', 16, [1, 1_000_000])
    const inputsPath = requiredOption(args, 'inputs')
    const stages = readStagesOption(args)
    const { path, load } = await readModelOptions(args)
    const { loadPipeline } = await import('@loupe/model/node')
    using model = await loadPipeline(path, { ...load, stages, onProgress: packProgress(stderr), signal })
    for (const row of splitRows(await readModelInputs(inputsPath, model.config), model)) {
      stdout.write(`${JSON.stringify(await continueRow(model, row, { maxTokens, signal }))}\n`)
    }
  },
}

interface Row {
  readonly ids: Int32Array
  readonly patches: readonly Uint8Array[]
}

/** The rows of a batch without their padding, each with its own pictures. */
function splitRows(inputs: ModelInputs, { config }: Pipeline): Row[] {
  let used = 0
  return Array.from({ length: inputs.rows }, (_, row) => {
    const isReal = (_: number, index: number) => inputs.attentionMask[row * inputs.tokens + index] !== 0
    const ids = inputs.inputIds.subarray(row * inputs.tokens, (row + 1) * inputs.tokens).filter(isReal)
    const places = ids.filter((id) => id === config.imageTokenId).length
    const images = places === 0 ? 0 : Math.ceil(places / config.tokensPerImage)
    used += images
    return { ids, patches: inputs.patches.slice(used - images, used) }
  })
}

async function continueRow(
  model: Pipeline,
  { ids, patches }: Row,
  { maxTokens, signal }: { maxTokens: number; signal: AbortSignal },
): Promise<number[]> {
  const features: Float32Array[] = []
  for (const picture of patches) features.push(await model.getImageFeatures(picture, { signal }))
  using sequence = model.startSequence({ capacityTokens: ids.length + maxTokens })
  const sampler = createSampler({ temperature: 0, topK: 0, topP: 1, seed: 0 }, answerIds(model.config))
  const out: number[] = []
  let logits = await sequence.prefill(ids, features, { signal })
  for (;;) {
    const { id } = sampler.next(logits, out.length)
    out.push(id)
    if (out.length === maxTokens) return out
    logits = await sequence.decode(id, { signal })
  }
}
