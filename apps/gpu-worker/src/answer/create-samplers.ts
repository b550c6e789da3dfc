import { randomInt } from 'node:crypto'
import { createSampler, type Sampler, type SamplingParams } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { GenerateParameters, GenerateRequest } from '@loupe/shared/wire'
import type { ServedModel } from '../served-model.ts'
import { endTokenIds } from './end-token-ids.ts'
import { openGrammar } from './open-grammar.ts'

/**
 * Makes a sampler for each answer that a request asks for.
 *
 * @throws AppError `request.invalid` for parameters that do not go together; see also `openGrammar`
 */
export async function createSamplers(
  served: ServedModel,
  request: GenerateRequest,
  signal: AbortSignal,
): Promise<readonly Sampler[]> {
  checkTogether(request)
  const { inputIds, parameters } = request
  const { n = 1, first_position: answered = 0 } = parameters
  const params = samplingParams(served, parameters)
  const options = {
    ...served.samplerOptions,
    // One for all answers, and only where something looks at it.
    promptIds: new Set(params.repetitionPenalty === undefined ? [] : inputIds.subarray(0, inputIds.length - answered)),
    answeredIds: inputIds.slice(inputIds.length - answered),
    heldBack: { ids: endTokenIds(served.metadata.parameters, parameters), tokens: parameters.min_tokens ?? 0 },
    topLogprobs: parameters.logprobs === true ? (parameters.top_logprobs ?? 0) : undefined,
  }
  const constraints = await openGrammar(served, parameters, signal)
  return Array.from({ length: n }, (_, choice) => {
    return createSampler(params, { ...options, choice, constraint: constraints[choice] })
  })
}

function checkTogether({ inputIds, parameters }: GenerateRequest): void {
  const { n = 1, grammar, first_position: answered = 0, ignore_eos: ignoreEos = false } = parameters
  const { min_tokens: least = 0, max_tokens: most = least } = parameters
  if (answered >= inputIds.length) throw invalid('first_position', `a number below ${inputIds.length}`, answered)
  if (answered > 0 && n > 1) throw invalid('n', '1 beside first_position', n)
  if (least > answered + most) throw invalid('min_tokens', `at most ${answered + most}`, least)
  if (grammar !== undefined && least > 0) throw invalid('min_tokens', '0 beside a grammar', least)
  if (grammar !== undefined && ignoreEos) throw invalid('ignore_eos', 'false beside a grammar', true)
}

function invalid(name: string, expected: string, found: unknown): AppError {
  const param = `parameters.${name}`
  return new AppError('request.invalid', `${param}: expected ${expected}, found ${found}.`, { param })
}

function samplingParams({ metadata }: ServedModel, asked: GenerateParameters): SamplingParams {
  const defaults = metadata.parameters.generation_defaults
  return {
    temperature: asked.temperature ?? defaults.temperature,
    topK: asked.top_k ?? defaults.top_k,
    topP: asked.top_p ?? defaults.top_p,
    minP: asked.min_p,
    repetitionPenalty: asked.repetition_penalty,
    presencePenalty: asked.presence_penalty,
    frequencyPenalty: asked.frequency_penalty,
    logitBias: new Map(Object.entries(asked.logit_bias ?? {}).map(([id, bias]) => [Number(id), bias])),
    seed: asked.seed ?? randomInt(2 ** 47),
  }
}
