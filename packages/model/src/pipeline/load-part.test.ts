import { expect, it } from 'vitest'
import type { StoredWeight } from '../gemma3/parameters.ts'
import type { LoadOptions, Runtime } from '../graph/runtime.ts'
import { loadPart } from './load-part.ts'

const FILE = { file: 'model.safetensors', offset: 0, bytes: 0 }
const numbers: StoredWeight = { dtype: 'float32', shape: [2, 32], ...FILE }
const blocks = {
  blocks: {
    shape: [2, 32],
    bits: 8,
    blockSize: 32,
    quants: { dtype: 'uint8', shape: [2, 1, 32], ...FILE },
    scales: { dtype: 'float32', shape: [2, 1], ...FILE },
  },
} as const satisfies StoredWeight

const columns = {
  columns: {
    shape: [2, 32],
    quants: { dtype: 'uint8', shape: [32, 2], ...FILE },
    scales: { dtype: 'float32', shape: [2], ...FILE },
  },
} as const satisfies StoredWeight

/** What a runtime is asked to load for a graph over these weights. */
async function loadedWith(weights: Record<string, StoredWeight>): Promise<LoadOptions | undefined> {
  let asked: LoadOptions | undefined
  const runtime: Runtime = {
    device: 'cpu',
    wrap: () => expect.fail('nothing is wrapped'),
    allocate: () => expect.fail('nothing is allocated'),
    load: async (_, options) => {
      asked = options
      return { inputs: [], outputs: [], bind: () => expect.fail('nothing is bound'), [Symbol.dispose]() {} }
    },
    [Symbol.dispose]() {},
  }
  const part = {
    tensors: (name: string) => weights[name] ?? expect.fail(`nobody asks for ${name}`),
    weightsFolder: '/w',
  }
  using session = await loadPart(runtime, part, (source) => {
    for (const name of Object.keys(weights)) expect(source(name)).toBe(weights[name])
    return new Uint8Array()
  })
  expect(session.inputs).toEqual([])
  return asked
}

it('leaves weights where they are when all are numbers', async () => {
  expect(await loadedWith({ a: numbers, b: numbers })).toEqual({ weightsFolder: '/w', prepack: false })
})

it('packs weights when one of them is in columns', async () => {
  const { quants, scales } = columns.columns
  const reads = [numbers, quants, scales]
  expect(await loadedWith({ a: numbers, b: columns })).toEqual({ weightsFolder: '/w', prepack: true, reads })
})

it('packs weights when one of them is in blocks', async () => {
  const { quants, scales } = blocks.blocks
  const reads = [numbers, quants, scales]
  expect(await loadedWith({ a: numbers, b: blocks, c: numbers })).toEqual({ weightsFolder: '/w', prepack: true, reads })
})
