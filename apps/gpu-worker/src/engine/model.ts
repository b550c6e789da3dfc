/**
 * What the worker needs of a model. `Gemma3VLModel` of `@loupe/model` has this shape; so have the models of the tests.
 */

/** A running conversation with a model; owns its key-value cache. One call at a time. */
export interface ModelSequence extends Disposable {
  /**
   * @param inputIds - `[t]` int32
   * @param imageFeatures - one `[256 * d]` float32 array a picture, in the order of the prompt
   * @returns logits `[v]` of the last token, valid until the next call
   */
  prefill(
    inputIds: Int32Array,
    imageFeatures: readonly Float32Array[],
    options?: { signal?: AbortSignal },
  ): Promise<Float32Array>
  /** @returns logits `[v]` of the token after `tokenId`, valid until the next call */
  decode(tokenId: number, options?: { signal?: AbortSignal }): Promise<Float32Array>
}

/** A loaded vision-language model. Calls may overlap; each ends early with `request.cancelled` when its signal aborts. */
export interface GenerativeModel extends Disposable {
  /** @param patches - one picture, `[4096 * 588]` uint8 @returns `[256 * d]` float32 */
  getImageFeatures(patches: Uint8Array, options?: { signal?: AbortSignal }): Promise<Float32Array>
  startSequence(options: { capacityTokens: number }): ModelSequence
}
