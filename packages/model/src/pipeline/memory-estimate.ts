import type { Gemma3Config } from '../gemma3/config.ts'
import { TOKEN_EMBEDDING } from '../gemma3/names.ts'
import type { StoredWeight } from '../gemma3/parameters.ts'
import type { BlockActivations } from '../graph/block-matrix.ts'
import { BYTES_PER_ELEMENT } from '../graph/runtime.ts'
import { pictureBytesOf, promptBytesOf } from './activation-memory.ts'
import { isPackedByRuntime } from './load-part.ts'
import { LocalRoom } from './local-room.ts'
import { PART_TOKENS } from './prompt-tokens.ts'
import { type HeldWeight, type HoldingOptions, heldWeight, type Memory, tablePages } from './weight-memory.ts'

/** The weights of a part of a model, as its graph reads them. */
export interface PartWeights {
  /** By canonical name. */
  readonly weights: ReadonlyMap<string, StoredWeight>
  /** See `WeightsPart`. */
  readonly keepStoredTypes: boolean
}

/** What {@link estimateMemory} is asked. */
export interface MemoryRequest {
  /** The language model. */
  readonly language: PartWeights
  /** Absent in a text model. */
  readonly vision: PartWeights | undefined
  /** Tokens of the one conversation that is open. */
  readonly capacityTokens: number
  /** See `ComputePolicy`; `int8` by default. */
  readonly activations?: BlockActivations
}

/** Weights of a part that are held alike. */
export interface HeldForm extends HeldWeight {
  /** How many weights. */
  readonly count: number
}

/** Memory that a model takes on a CPU. Bytes. */
export interface MemoryEstimate {
  /** Of each part, the largest first. */
  readonly language: readonly HeldForm[]
  /** As `language`; empty in a text model. */
  readonly vision: readonly HeldForm[]
  /** Rows of the embedding table for all tokens of the conversation, where the head does not read the table itself. */
  readonly table: Memory
  /** Keys and values of the conversation. Reserved at once, and taken as tokens come. */
  readonly cache: Memory
  /** Node, the runtime's library, this program. */
  readonly base: Memory
  /** All of that: what stays while the model is used. */
  readonly resting: Memory
  /** Intermediate results of the largest part of a prompt, given back after it. */
  readonly promptBytes: number
  /** Intermediate results of one picture, given back after it; 0 in a text model. */
  readonly pictureBytes: number
  /** The most that is taken at any time of one request. */
  readonly peak: Memory
}

/** Node 24 and ONNX Runtime 1.30 on x86-64 Linux, with a model's graph but without its weights. */
const BASE: Memory = { ownBytes: 95e6, pageBytes: 82e6 }

/** What the C library keeps of the memory that the runtime took while it packed a part, whatever its size. */
const PACKING_BYTES = 50e6
/** Pieces of 16-bit matrices that are widened at a time, and their products. */
const WIDENING_BYTES = 42e6

/**
 * Predicts memory from configs and headers, within a tenth of what `test/bench/memory.ts` measures.
 *
 * What the process owns has to fit. Pages of files need not: they count as resident while there is room.
 */
export function estimateMemory(config: Gemma3Config, request: MemoryRequest): MemoryEstimate {
  const { capacityTokens, activations = 'int8' } = request
  const parts = [request.language, request.vision].map((part) => part && heldPart(part, activations))
  const [language = NO_PART, vision = NO_PART] = parts
  const table = { ownBytes: 0, pageBytes: rowPages(request.language, capacityTokens, activations) }
  const cache = { ownBytes: cacheBytes(config, capacityTokens), pageBytes: 0 }
  const base = sum(BASE, language.beside, vision.beside)
  const weights = sum(base, ...language.forms, ...vision.forms)
  const resting = sum(weights, table, cache)
  const promptBytes = promptBytesOf(config.text, capacityTokens)
  const pictureBytes = config.vision === undefined ? 0 : pictureBytesOf(config.vision)
  const running = sum(resting, { ownBytes: Math.max(promptBytes, pictureBytes), pageBytes: 0 })
  const loading = weights.ownBytes + Math.max(language.widestBytes, vision.widestBytes)
  return {
    language: language.forms,
    vision: vision.forms,
    table,
    cache,
    base,
    resting,
    promptBytes,
    pictureBytes,
    peak: { ...running, ownBytes: Math.max(running.ownBytes, loading) },
  }
}

function sum(...memories: readonly Memory[]): Memory {
  return {
    ownBytes: memories.reduce((bytes, { ownBytes }) => bytes + ownBytes, 0),
    pageBytes: memories.reduce((bytes, { pageBytes }) => bytes + pageBytes, 0),
  }
}

interface HeldPart {
  /** The largest first. */
  readonly forms: readonly HeldForm[]
  /** What is taken besides the weights. */
  readonly beside: Memory
  /** Of the largest weight that is widened: while it is, the runtime has its 16 bits too. */
  readonly widestBytes: number
}

const NO_PART: HeldPart = { forms: [], beside: { ownBytes: 0, pageBytes: 0 }, widestBytes: 0 }

function heldPart(part: PartWeights, activations: BlockActivations): HeldPart {
  const options = holdingOptions(part, activations)
  const held = Array.from(part.weights, ([name, weight]) => ({ weight, ...heldWeight(name, weight, options) }))
  const forms = [...Map.groupBy(held, ({ form }) => form)].map(([form, alike]) => {
    const parameters = alike.reduce((total, weight) => total + weight.parameters, 0)
    return { form, count: alike.length, parameters, ...sum(...alike) }
  })
  const widened = held.map(({ weight, ownBytes }) => ('dtype' in weight && ownBytes > weight.bytes ? weight.bytes : 0))
  const most = sum(...forms)
  // Neither can be more than what it is left of.
  const packing = options.isPrepacked ? Math.min(PACKING_BYTES, most.ownBytes) : 0
  const widening = part.keepStoredTypes ? Math.min(WIDENING_BYTES, most.ownBytes + most.pageBytes) : 0
  return {
    forms: forms.sort((a, b) => b.parameters - a.parameters),
    beside: { ownBytes: packing + widening, pageBytes: 0 },
    widestBytes: widened.reduce((most, bytes) => Math.max(most, bytes), 0),
  }
}

function holdingOptions({ weights, keepStoredTypes }: PartWeights, activations: BlockActivations): HoldingOptions {
  return { isPrepacked: [...weights.values()].some(isPackedByRuntime), keepStoredTypes, activations }
}

function rowPages(part: PartWeights, tokens: number, activations: BlockActivations): number {
  const table = part.weights.get(TOKEN_EMBEDDING)
  return table === undefined ? 0 : tablePages(table, tokens, holdingOptions(part, activations))
}

/** Layers with a window have room for less than the whole conversation. */
function cacheBytes(config: Gemma3Config, capacityTokens: number): number {
  const { layerTypes, keyHeads, headSize } = config.text
  const local = new LocalRoom(config, { capacityTokens, partTokens: PART_TOKENS }).tokens
  const slots = layerTypes.map((type) => (type === 'sliding_attention' ? local : capacityTokens))
  const all = slots.reduce((total, tokens) => total + tokens, 0)
  return all * 2 * keyHeads * headSize * BYTES_PER_ELEMENT.float32
}
