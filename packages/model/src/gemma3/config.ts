/** How far a decoder layer looks back: a window of the last tokens, or everything. */
export type LayerType = 'sliding_attention' | 'full_attention'

/** Rotary position embedding of one kind of layer: the angle of lane `j` is `position / factor * theta^(-2j/h)`. */
export interface RotaryConfig {
  readonly theta: number
  /** Linear stretch of the positions; 1 for none. */
  readonly factor: number
}

/** The language model. Sizes are counts of elements, not bytes. */
export interface TextConfig {
  /** Rows of the embedding table, v. May exceed the tokenizer: the last rows are padding that no text maps to. */
  readonly vocabSize: number
  /** d */
  readonly hiddenSize: number
  /** f */
  readonly intermediateSize: number
  readonly layers: number
  /** n */
  readonly queryHeads: number
  /** k; divides `queryHeads` */
  readonly keyHeads: number
  /** h; even, and not `hiddenSize / queryHeads` in any released size */
  readonly headSize: number
  /** Keys a query of a sliding layer sees, itself included. */
  readonly slidingWindow: number
  /** Attention scores are multiplied by this number to the power -1/2. */
  readonly queryPreAttnScalar: number
  readonly rmsNormEps: number
  /** Longest sequence the model was trained for, tokens. */
  readonly contextTokens: number
  /** One entry a layer, first layer first. */
  readonly layerTypes: readonly LayerType[]
  /** Of sliding layers. */
  readonly ropeLocal: RotaryConfig
  /** Of full layers. */
  readonly ropeGlobal: RotaryConfig
}

/** The SigLIP vision tower. */
export interface VisionConfig {
  readonly hiddenSize: number
  readonly intermediateSize: number
  readonly layers: number
  /** Divides `hiddenSize`. */
  readonly heads: number
  /** Side of the square picture, pixels. */
  readonly imageSize: number
  /** Side of a square patch, pixels; divides `imageSize`. */
  readonly patchSize: number
  /** Also the epsilon of the projector's RMS norm. */
  readonly layerNormEps: number
  readonly channels: number
}

/** A Gemma 3 `config.json`, whatever its dialect, with every default filled in. */
export interface Gemma3Config {
  readonly kind: 'vision-language' | 'text'
  readonly text: TextConfig
  /** Present exactly when `kind` is `vision-language`. */
  readonly vision: VisionConfig | undefined
  /** Stands for one image feature in the input ids. In a text model no id means an image: it is `-1`. */
  readonly imageTokenId: number
  /** Opens an image in the input ids; `-1` in a text model. */
  readonly boiTokenId: number
  /** Closes an image in the input ids; `-1` in a text model. */
  readonly eoiTokenId: number
  /** Image features of one picture, a square number; 0 in a text model. */
  readonly tokensPerImage: number
  readonly bosTokenId: number
  /** Every id that ends an answer; at least one. */
  readonly eosTokenIds: readonly number[]
  readonly padTokenId: number
}
