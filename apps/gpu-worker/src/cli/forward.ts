import { writeFile } from 'node:fs/promises'
import { type EncodableTensor, encodeSafetensors, type ForwardResult, type Pipeline } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import { type CliArguments, type Command, requiredOption } from './command.ts'
import { type ModelInputs, readModelInputs } from './model-inputs.ts'
import { MODEL_OPTIONS, MODEL_OPTIONS_HELP, readModelOptions } from './model-options.ts'
import { packProgress } from './pack-progress.ts'
import { readStagesOption, STAGES_OPTION, STAGES_OPTION_HELP } from './stages-option.ts'

/** `loupe forward`: runs the model once over given tensors and writes everything it computes on the way. */
export const forward: Command = {
  summary: 'run the model on the tensors of a file',
  help: `
usage: loupe forward [--model PATH] --inputs in.safetensors --out out.safetensors [--stages N] [--dtype DTYPE]

Reads input_ids [b,t] and, where present, attention_mask, labels, loss_mask [b,t] and images_u8 [n,S,S,3].
Writes logits, hidden_states.0 to hidden_states.N, with images vision_last_hidden_state and image_features, and with
labels token_loss. Values at padded places are undefined.

  --inputs FILE          what to run on
  --out FILE             where to write the results
${STAGES_OPTION_HELP}
${MODEL_OPTIONS_HELP}

example: loupe forward --inputs in.safetensors --out out.safetensors`,
  options: {
    ...MODEL_OPTIONS,
    inputs: { type: 'string' },
    out: { type: 'string' },
    ...STAGES_OPTION,
    gradients: { type: 'boolean' },
    train: { type: 'string' },
  },
  async run(args, { signal, stderr }) {
    refuseUnsupported(args)
    const inputsPath = requiredOption(args, 'inputs')
    const outPath = requiredOption(args, 'out')
    const stages = readStagesOption(args)
    const { path, load } = await readModelOptions(args)
    const { loadPipeline } = await import('@loupe/model/node')
    using pipeline = await loadPipeline(path, { ...load, stages, onProgress: packProgress(stderr), signal })
    const inputs = await readModelInputs(inputsPath, pipeline.config)
    await writeFile(outPath, encodeSafetensors(await computeAll(pipeline, inputs, signal)))
  },
}

function refuseUnsupported(args: CliArguments): void {
  for (const name of ['gradients', 'train']) {
    if (args.values[name] !== undefined) throw new AppError('request.unsupported', `--${name} is not offered yet.`)
  }
}

type Tensors = Map<string, EncodableTensor>

async function computeAll(model: Pipeline, inputs: ModelInputs, signal: AbortSignal): Promise<Tensors> {
  const tensors: Tensors = new Map()
  const states = []
  for (const patches of inputs.patches) states.push(await model.getImageStates(patches, { signal }))
  const { vision, tokensPerImage } = model.config
  if (vision !== undefined && states.length > 0) {
    const patchCount = (vision.imageSize / vision.patchSize) ** 2
    const last = states.map(({ lastHiddenState }) => lastHiddenState)
    const features = states.map(({ imageFeatures }) => imageFeatures)
    tensors.set('vision_last_hidden_state', stacked(last, [patchCount, vision.hiddenSize]))
    tensors.set('image_features', stacked(features, [tokensPerImage, model.config.text.hiddenSize]))
  }
  const imageFeatures: Float32Array[] = states.map((state) => state.imageFeatures)
  addResult(
    tensors,
    await model.forward({ ...inputs, imageFeatures, hiddenStates: true, returnLogits: true, signal }),
    inputs,
  )
  return tensors
}

function addResult(tensors: Tensors, { logits, hiddenStates, tokenLoss }: ForwardResult, inputs: ModelInputs): void {
  const { rows, tokens } = inputs
  const perToken = (data: Float32Array): EncodableTensor => {
    return { dtype: 'F32', shape: [rows, tokens, data.length / (rows * tokens)], data }
  }
  for (const [i, state] of hiddenStates.entries()) tensors.set(`hidden_states.${i}`, perToken(state))
  tensors.set('logits', perToken(logits))
  if (tokenLoss !== undefined) tensors.set('token_loss', { dtype: 'F32', shape: [rows, tokens], data: tokenLoss })
}

function stacked(parts: readonly Float32Array[], shape: readonly number[]): EncodableTensor {
  const size = parts[0]?.length ?? 0
  const data = new Float32Array(parts.length * size)
  for (const [index, part] of parts.entries()) data.set(part, index * size)
  return { dtype: 'F32', shape: [parts.length, ...shape], data }
}
