/** Nothing in the graph of a device silently falls back to the CPU, and a runtime finds no fault with its types. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OrtRuntime } from '@loupe/model/runtime'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { caseDirectory } from '../vl/golden-case.ts'
import { type Checkpoint, openCheckpoint } from './device-model.ts'
import {
  type AnyValue,
  type Call,
  dtypePolicy,
  Graph,
  type HeldType,
  languageModelGraph,
  visionGraph,
} from './model-internals.ts'
import { KERNELS, LEFT_TO_THE_CPU } from './operator-kernels.ts'

const HELD_TYPES = ['f32', 'bf16', 'f16', 'int8', 'int4'] as const
const DEVICES = ['cuda', 'webgpu'] as const
const EACH = DEVICES.flatMap((device) => HELD_TYPES.map((held) => [device, held] as const))

let cacheDirectory: string
const checkpoints = new Map<HeldType, Checkpoint>()

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'loupe-devices-'))
  for (const held of HELD_TYPES) {
    const options = held === 'f32' ? {} : { dtype: held, cacheDirectory }
    checkpoints.set(held, await openCheckpoint(caseDirectory('one-image'), options))
  }
})
afterAll(() => rm(cacheDirectory, { recursive: true }))
afterEach(() => vi.restoreAllMocks())

function graphsOf(device: 'cuda' | 'webgpu', held: HeldType) {
  const { config, language, vision } = checkpoints.get(held) ?? expect.fail(`there is no ${held}`)
  if (config.vision === undefined || vision === undefined) return expect.fail('there is no vision tower')
  const options = { dtypes: dtypePolicy(device, held) }
  return [
    { model: languageModelGraph(config, language.tensors, options), weightsFolder: language.weightsFolder },
    { model: visionGraph(config, config.vision, vision.tensors, options), weightsFolder: vision.weightsFolder },
  ]
}

/** One call that a graph was made of. */
interface Made {
  readonly call: Call
  readonly result: AnyValue
}

/** Watches graphs being built. */
function watchCalls(): { made: Made[]; known: Set<string> } {
  const made: Made[] = []
  /** Weights and constants, and what follows from them or from sizes alone: worked out by the host. */
  const known = new Set<string>()
  const record = (call: Call, result: AnyValue) => {
    made.push({ call, result })
    const isKnown = call.op === 'Shape' || call.inputs.every((input) => input === undefined || known.has(input.name))
    if (isKnown) known.add(result.name)
  }
  const { call, callLike, stored, constant } = Graph.prototype
  vi.spyOn(Graph.prototype, 'call').mockImplementation(function (this: Graph, ...args) {
    const result = call.apply(this, args)
    record(args[0], result)
    return result as never
  })
  vi.spyOn(Graph.prototype, 'callLike').mockImplementation(function (this: Graph, ...args) {
    const results = callLike.apply(this, args)
    for (const result of results) record(args[0], result)
    return results as never
  })
  vi.spyOn(Graph.prototype, 'stored').mockImplementation(function (this: Graph, ...args) {
    const result = stored.apply(this, args)
    known.add(result.name)
    return result as never
  })
  vi.spyOn(Graph.prototype, 'constant').mockImplementation(function (this: Graph, ...args) {
    const result = constant.apply(this, args)
    known.add(result.name)
    return result as never
  })
  return { made, known }
}

/** Whose kernels are chosen by what they read. */
const BY_INPUT = new Set(['Equal', 'Greater', 'LessOrEqual'])

describe.each(EACH)('on %s, weights held as %s', (device, held) => {
  it('every operator has a kernel', () => {
    const { made, known } = watchCalls()
    graphsOf(device, held)
    const missing = made
      .filter(({ result }) => !known.has(result.name))
      .map(({ call: { op, inputs }, result }) => ({ op, dtype: (BY_INPUT.has(op) ? inputs[0] : result)?.dtype }))
      .filter(({ op, dtype }) => {
        const types = [...(KERNELS[device][op] ?? []), ...(LEFT_TO_THE_CPU[device][op] ?? [])]
        return dtype === undefined || !types.includes(dtype)
      })
      .map(({ op, dtype }) => `${op} of ${dtype}`)
    expect([...new Set(missing)]).toEqual([])
    expect(made.length).toBeGreaterThan(200)
  })

  it('every type fits, says a runtime that has no kernel for some of them', async () => {
    using runtime = new OrtRuntime({ threads: 1 })
    // A CPU computes float16 by converting it, and has nothing for bfloat16: it says so only when all types were checked.
    const lacks = dtypePolicy(device, held).activations === 'bfloat16'
    for (const { model, weightsFolder } of graphsOf(device, held)) {
      const loaded = await runtime.load(model, { weightsFolder }).then(
        (session) => {
          session[Symbol.dispose]()
          return 'loads'
        },
        (error: Error) => error.message,
      )
      expect(loaded).toMatch(lacks ? /NOT_IMPLEMENTED: Could not find an implementation for \w+\(/ : /^loads$/)
    }
  })
})

describe('a runtime', () => {
  it('finds a type that does not fit, before it looks for kernels', async () => {
    const g = new Graph()
    const x = g.input('x', 'bfloat16', 'r', [2])
    const y = g.input('y', 'float32', 'r', [2])
    g.output('z', g.call<'r'>({ op: 'Add', inputs: [x, y] }, x))
    using runtime = new OrtRuntime({ threads: 1 })
    await expect(runtime.load(g.encode())).rejects.toThrow(/INVALID_GRAPH|Type Error/)
  })
})

describe('the fused attention of CUDA', () => {
  it('reads projections, angles, positions and gains where the operator has its inputs for them', () => {
    const { made } = watchCalls()
    const [language] = graphsOf('cuda', 'f16')
    const found = made.find(({ call: { op } }) => op === 'GroupQueryAttention')
    const described = found?.call.inputs.map((input) => input && `${input.dtype} ${input.shape.join(' ')}`)
    expect(described).toEqual([
      'float16 b t 64', // query, not yet normed
      'float16 b t 32', // key
      'float16 b t 32', // value
      'float16 b 2 c_local 16', // past keys
      'float16 b 2 c_local 16', // past values
      'int32 b', // last slot of each row
      'int32 1', // filled slots
      'float16 s_local 8', // cosines, a row for every slot
      'float16 s_local 8', // sines
      'int64 b t', // positions
      undefined, // bias
      undefined, // sink
      undefined, // scales of a quantised cache
      undefined,
      'float16 16', // gain of query heads
      'float16 16', // gain of key heads
    ])
    expect(found?.call.attributes).toMatchObject({
      num_heads: 4,
      kv_num_heads: 2,
      do_rotary: 1,
      local_window_size: 12,
      qk_norm_epsilon: { float: 1e-6 },
    })
    // Keys are normed by the operator alone; queries also where a mask is followed.
    const names = new TextDecoder('latin1').decode(language?.model)
    expect(names).not.toContain('layers.0.self_attn.k_norm.SimplifiedLayerNormalization')
    expect(names).toContain('layers.0.self_attn.q_norm.SimplifiedLayerNormalization')
  })
})
