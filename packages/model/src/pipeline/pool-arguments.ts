import { AppError } from '@loupe/shared/errors'
import type { Gemma3Config } from '../gemma3/config.ts'
import type { PoolSlot } from './pool-slot.ts'
import {
  checkImageCount,
  checkTokenIds,
  findImagePlaces,
  joinFeatures,
  type PromptPart,
  splitPrompt,
} from './prompt-tokens.ts'

/** What bounds the arguments of a pool. */
export interface PoolLimits {
  readonly config: Gemma3Config
  /** Of each slot. */
  readonly capacityTokens: number
  /** Most tokens of one run, a longer picture aside. */
  readonly partTokens: number
}

/** @throws AppError `request.invalid` unless `value` is a whole number in this range */
export function checkRange(what: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new AppError('request.invalid', `${what}: expected a whole number from ${least} to ${most}, found ${value}.`)
}

/**
 * Checks a prompt that is to be appended to a slot.
 *
 * @returns the runs it takes
 * @throws AppError as `SequencePool.prefill`
 */
export function checkedPrompt(
  slot: PoolSlot,
  inputIds: Int32Array,
  imageFeatures: readonly Float32Array[],
  { config, capacityTokens, partTokens }: PoolLimits,
): PromptPart[] {
  checkTokenIds(inputIds, config)
  const { images } = findImagePlaces(inputIds, config)
  if (inputIds.length === 0) throw new AppError('prompt.invalid', 'Expected at least one token, found none.')
  checkRoom(slot, inputIds.length, capacityTokens)
  slot.checkNext(inputIds[0] === config.imageTokenId)
  return splitPrompt(inputIds, joinFeatures(imageFeatures, images, config), config, partTokens)
}

/**
 * Checks tokens that are to be decoded.
 *
 * @returns the token of each slot, in the order given
 * @throws AppError as `SequencePool.decode`
 */
export function checkedBatch(
  slots: readonly PoolSlot[],
  tokenIds: Int32Array,
  { config, capacityTokens }: PoolLimits,
): Map<PoolSlot, number> {
  const tokens = new Map(slots.map((slot, index) => [slot, tokenIds[index] ?? -1]))
  if (tokens.size !== tokenIds.length || tokens.size !== slots.length || tokens.size === 0) {
    const found = `${slots.length} slots, ${tokens.size} of them different, and ${tokenIds.length} tokens`
    throw new AppError('request.invalid', `Expected different slots and a token for each, found ${found}.`)
  }
  checkTokenIds(tokenIds, config)
  checkImageCount(0, findImagePlaces(tokenIds, config).images)
  for (const slot of slots) {
    if (slot.length === 0)
      throw new AppError('request.invalid', 'Expected a prompt to go on from, found an empty slot.')
    checkRoom(slot, 1, capacityTokens)
  }
  return tokens
}

/** @throws AppError `prompt.too_long` when a slot has no room for more tokens */
export function checkRoom({ length }: PoolSlot, tokens: number, capacityTokens: number): void {
  if (length + tokens <= capacityTokens) return
  throw new AppError('prompt.too_long', `Expected at most ${capacityTokens} tokens, found ${length + tokens}.`)
}
