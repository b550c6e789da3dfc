/** What `generation_config.json` says about drawing a token. */
export interface GenerationConfig {
  /** Every id that ends an answer; at least one. */
  readonly eosTokenIds: readonly number[]
  /** False: always take the likeliest token, whatever the other fields say. */
  readonly doSample: boolean
  readonly temperature: number
  /** Keep the k likeliest tokens; 0 keeps all. */
  readonly topK: number
  /** Keep the likeliest tokens that together hold this share; 1 keeps all. */
  readonly topP: number
}
