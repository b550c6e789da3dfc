import { Graph } from '../graph/graph.ts'
import type { Matrix } from '../graph/matrix.ts'
import { cast, scaleBy } from '../graph/ops/arithmetic.ts'
import { gatherRows, replaceRows, reshape } from '../graph/ops/layout.ts'
import { applyMatrix, matrixRows } from '../graph/ops/matrix.ts'
import { elementCount } from '../graph/shape.ts'
import type { Value } from '../graph/value.ts'
import { rmsNorm } from '../layers/rms-norm.ts'
import { type BlockWeights, block, type Hidden } from './block.ts'
import type { Gemma3Config, TextConfig } from './config.ts'
import { CPU_POLICY, type DTypePolicy } from './dtype-policy.ts'
import { layerContext, stepInputs } from './layer-context.ts'
import { type ParameterOptions, type Parameters, parameters, type TensorSource } from './parameters.ts'
import { type ResidualStream, residualStream } from './residual-stream.ts'
import { headWidth, type Stage, wholeModel } from './stage.ts'

/** Options of {@link languageModelGraph}. */
export interface LanguageModelOptions extends ParameterOptions {
  /** Also give out the residual stream before every layer, as `hidden_states.i`. */
  readonly hiddenStates?: boolean
  /** Which layers; all of them and both ends by default. */
  readonly stage?: Stage
  /** How to compute; as every CPU does by default. */
  readonly dtypes?: DTypePolicy
}

/**
 * The language model, one graph for everything: a whole sequence, a part of one on top of what is cached, one token.
 *
 * | input | | |
 * | --- | --- | --- |
 * | `token_ids` | `[b, t]` int32 | first stage; any id of the vocabulary at image places |
 * | `positions` | `[b, t]` int32 | of the rotary embedding |
 * | `slots_local`, `slots_global` | `[b, t]` int32 | where in the caches of this kind of layer each token goes; consecutive |
 * | `blocks_local`, `blocks_global` | `[b, s]` int32 | image block of every filled slot, this step's included; see `mask.ts` |
 * | `given_rows` | `[m]` int64 | first stage; which of the b·t tokens are not looked up: image places, as a rule |
 * | `given_states` | `[m, d]` float32 | first stage; what stands there, unscaled: image features, as a rule |
 * | `hidden_in` | `[b, t, d]` float32 | later stages; `hidden_out` of the one before |
 * | `logit_rows` | `[l]` int64 | last stage; which of the b·t tokens get logits |
 * | `rotary_local.cosines`, … | `[b·t, h/2]` float32 | where the policy is given angles: `rotaryAngles` of both kinds of layer |
 * | `is_masked` | bool | where the policy attends causally: whether this step has image tokens, or any slot is hidden |
 * | `past_keys.i`, `past_values.i` | `[b, k, c, h]` of the policy's type | the cache of layer i; c slots, which the kinds may have more or fewer of |
 *
 * Outputs: `logits` `[l, v]` of the last stage, `hidden_out` `[b, t, d]` of the others; `present_keys.i` and
 * `present_values.i`, to be bound to the same memory as the past; on demand `hidden_states.i`, what layer i reads, from
 * `hidden_states.0` (embeddings, image features in place) to `hidden_states.N` (after the final norm).
 *
 * @returns ONNX bytes whose weights are external data of the checkpoint's files
 * @throws AppError `graph.shape_mismatch` naming the weight that does not fit the config
 */
export function languageModelGraph(
  config: Gemma3Config,
  source: TensorSource,
  options: LanguageModelOptions = {},
): Uint8Array {
  const g = new Graph()
  const { text } = config
  const { stage = wholeModel(text), hiddenStates = false, dtypes = CPU_POLICY } = options
  const p = parameters(g, source, options)
  const step = stepInputs(g, text, dtypes)
  const stream = residualStream(dtypes, text.hiddenSize)

  const states: Hidden[] = [] // float32, whatever the stream is held in
  const given = stage.preProcess
    ? embed(g, p, config)
    : g.input('hidden_in', 'float32', 'b t d', ['b', 't', text.hiddenSize])
  let x = stream.enter(g, given)
  for (let layer = stage.firstLayer; layer < stage.endLayer; layer++) {
    states.push(stream.leave(g, x))
    x = block(g, blockWeights(p, text, layer, stream), x, layerContext(g, text, layer, step))
  }
  if (stage.postProcess) {
    // The reference shows the last state only after the final norm.
    x = rmsNorm(g, stream.read(p.rmsNorm('language_model.norm', text.hiddenSize, text.rmsNormEps)), x)
    states.push(cast(g, x, 'float32'))
    g.output('logits', cast(g, logits(g, embeddingTable(p, text, headWidth(stage, text)), x), 'float32'))
  } else g.output('hidden_out', stream.leave(g, x))

  if (hiddenStates) for (const [i, state] of states.entries()) g.output(`hidden_states.${stage.firstLayer + i}`, state)
  return g.encode()
}

/** Rows for tokens at one end of the model, and the head at the other, where it may be a shard of the table. */
function embeddingTable(p: Parameters, { vocabSize, hiddenSize }: TextConfig, rows = vocabSize): Matrix<'v d'> {
  return p.matrix('language_model.embed_tokens.weight', 'v d', [rows, hiddenSize])
}

/** Token embeddings times √d, and image features as they are. One scale, applied once, to text rows only. */
function embed(g: Graph, p: Parameters, { text }: Gemma3Config): Hidden {
  const table = embeddingTable(p, text)
  const ids = g.input('token_ids', 'int32', 'b t', ['b', 't'])
  return g.at('language_model.embed_tokens', () => {
    const { hiddenSize } = text
    const shape = [...ids.shape, hiddenSize]
    const rows = matrixRows(g, table, reshape(g, ids, 'r', [elementCount(ids.shape)]))
    const embedded = scaleBy(g, rows, Math.sqrt(hiddenSize))
    const givenRows = g.input('given_rows', 'int64', 'm', ['m'])
    const given = g.input('given_states', 'float32', 'm d', ['m', hiddenSize])
    return reshape(g, replaceRows(g, embedded, givenRows, given), 'b t d', shape)
  })
}

/** The tied head: logits of the wanted tokens, with the unscaled embedding table. @returns `[l, v]` */
function logits(g: Graph, table: Matrix<'v d'>, x: Hidden): Value<'r o'> {
  return g.at('language_model.lm_head', () => {
    const [batch = 0, tokens = 0, width = 0] = x.shape
    const flat = reshape(g, x, 'r d', [elementCount([batch, tokens]), width])
    const wanted = g.input('logit_rows', 'int64', 'l', ['l'])
    return applyMatrix(g, gatherRows(g, flat, wanted, 'r i'), table)
  })
}

function blockWeights(p: Parameters, text: TextConfig, layer: number, stream: ResidualStream): BlockWeights {
  const { hiddenSize: d, intermediateSize: f, headSize: h, rmsNormEps } = text
  const [nh, kh] = [text.queryHeads * h, text.keyHeads * h]
  const path = `language_model.layers.${layer}`
  const norm = (name: string, size = d) => p.rmsNorm(`${path}.${name}`, size, rmsNormEps)
  return {
    path,
    attentionIn: stream.read(norm('input_layernorm')),
    attention: {
      path: `${path}.self_attn`,
      query: p.linear(`${path}.self_attn.q_proj`, ['d', 'nh'], [d, nh]),
      // The scale of the scores, in the queries from the start.
      queryNorm: { ...norm('self_attn.q_norm', h), factor: text.queryPreAttnScalar ** -0.5 },
      key: p.linear(`${path}.self_attn.k_proj`, ['d', 'kh'], [d, kh]),
      keyNorm: norm('self_attn.k_norm', h),
      value: p.linear(`${path}.self_attn.v_proj`, ['d', 'kh'], [d, kh]),
      output: p.linear(`${path}.self_attn.o_proj`, ['nh', 'd'], [nh, d]),
    },
    attentionOut: stream.write(norm('post_attention_layernorm')),
    mlpIn: stream.read(norm('pre_feedforward_layernorm')),
    mlp: {
      gate: p.linear(`${path}.mlp.gate_proj`, ['d', 'f'], [d, f]),
      up: p.linear(`${path}.mlp.up_proj`, ['d', 'f'], [d, f]),
      down: p.linear(`${path}.mlp.down_proj`, ['f', 'd'], [f, d]),
    },
    mlpOut: stream.write(norm('post_feedforward_layernorm')),
  }
}
