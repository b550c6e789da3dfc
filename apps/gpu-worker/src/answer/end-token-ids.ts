import type { GenerateParameters, ModelMetadata } from '@loupe/shared/wire'

/** The tokens that end an answer to a request. */
export function endTokenIds(
  { eos_token_ids: eos }: ModelMetadata['parameters'],
  { ignore_eos: ignoresEos = false, stop_token_ids: stops = [] }: GenerateParameters,
): readonly number[] {
  return ignoresEos ? stops : [...eos, ...stops]
}
