/** Says which tokens may come next: a grammar, for example. It follows one answer. */
export interface TokenConstraint extends Disposable {
  /**
   * Resolves when `mask` is that of the next token; `undefined` when it is so already.
   *
   * @throws AppError `grammar.too_complex` or `grammar.invalid` when it cannot be found out; the answer ends then
   */
  ready(): Promise<void> | undefined
  /** One bit a token, `[ceil(v / 32)]`: bit `id % 32` of word `id >> 5` is 1 for a token that may come next. */
  readonly mask: Int32Array
  /** The answer has this token now. */
  accept(id: number): void
  /** The answer has lost its last n tokens. */
  rollback(tokens: number): void
}

const WORD = 32

/**
 * Takes tokens that may not come next out of the choice.
 *
 * @param logits - `[v]`, changed in place; ids that the mask does not reach may not come next either
 * @param mask - as in {@link TokenConstraint}
 */
export function applyMask(logits: Float32Array, mask: Int32Array): void {
  for (let first = 0; first < logits.length; first += WORD) {
    const bits = mask[first >> 5] ?? 0
    if (bits === -1) continue
    if (bits === 0) logits.fill(Number.NEGATIVE_INFINITY, first, first + WORD)
    else applyWord(logits, first, bits)
  }
}

function applyWord(logits: Float32Array, first: number, bits: number): void {
  const end = Math.min(first + WORD, logits.length)
  for (let id = first; id < end; id++) {
    if (((bits >>> (id - first)) & 1) === 0) logits[id] = Number.NEGATIVE_INFINITY
  }
}
