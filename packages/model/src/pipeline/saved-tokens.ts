import { AppError } from '@loupe/shared/errors'
import type { SavedSlots } from '../gemma3/key-value-cache.ts'

/** Keys and values of a whole sequence. */
export interface SavedSequence {
  /** How many tokens. */
  readonly tokens: number
  /** What they take in memory. */
  readonly bytes: number
}

/** Keys and values of a stretch of a sequence. They depend on all tokens before it as well. */
export interface SavedTokens extends SavedSequence {
  /** Where in the sequence it begins. */
  readonly fromToken: number
}

/** What is behind both. */
export interface Saved extends SavedTokens {
  /** The first token that layers with a window have. */
  readonly localFrom: number
  /** Of each stage. */
  readonly stages: readonly SavedSlots[]
  /** 1 for each token that is a place of a picture. */
  readonly pictures: Uint8Array
  /** Whether it ends in the middle of a picture. */
  readonly isCut: boolean
}

const contents = new WeakMap<SavedSequence, Saved>()

/** Hides what is saved from whoever keeps it. */
export function sealed(saved: Saved): SavedTokens {
  const { fromToken, tokens, bytes } = saved
  const seal = Object.freeze({ fromToken, tokens, bytes })
  contents.set(seal, saved)
  return seal
}

/** @throws AppError `request.invalid` when it was not saved here */
export function opened(seal: SavedSequence): Saved {
  const saved = contents.get(seal)
  if (saved !== undefined) return saved
  throw new AppError('request.invalid', 'Expected what a pool has saved, found something else.')
}
