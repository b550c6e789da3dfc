import { beforeAll, describe, expect, it } from 'vitest'
import { malformed } from './limits.ts'
import { type CodecExports, forbidden, wasmCodec } from './wasm-codec.ts'
import { compileWasm, instantiate } from './wasm-module.ts'

const MIB = 1024 * 1024

/** A codec whose `malloc` takes whole pages from the end of memory and whose `free` does nothing, as WebAssembly. */
const MODULE = [
  '0061736d 01000000', // header
  '01 0a 02 60017f017f 60017f00', // two types: i32 -> i32, i32 -> nothing
  '03 03 02 00 01', // malloc, free
  '05 03 01 00 01', // one page of memory
  '07 1a 03 06 6d656d6f7279 02 00 06 6d616c6c6f63 00 00 04 66726565 00 01', // memory, malloc, free
  '0a 16 02 11 00 2000 41ffff03 6a 4110 76 4000 4110 74 0b 02 00 0b', // memory.grow((n + 65535) >> 16) << 16; nothing
].join(' ')

/** A function that traps, as WebAssembly. */
const TRAP = '0061736d 01000000 01 04 01 600000 03 02 01 00 07 08 01 04 74726170 00 00 0a 05 01 03 00 00 0b'

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/[0-9a-f]{2}/g) ?? [], (pair) => Number.parseInt(pair, 16))
}

describe('wasmCodec', () => {
  let create: () => CodecExports
  let trap: () => void
  beforeAll(async () => {
    const module = await compileWasm(bytesOf(MODULE))
    create = () => instantiate<CodecExports>(module, {})
    trap = instantiate<{ trap(): void }>(await compileWasm(bytesOf(TRAP)), {}).trap
  })

  it('keeps a small instance from one picture to the next', () => {
    const codec = wasmCodec('a test', create)
    const memories = [1, 2].map(() => codec.run(({ exports }) => exports.memory))
    expect(memories[0]).toBe(memories[1])
    codec.run(({ allocate }) => allocate(4 * MIB))
    expect(codec.heldBytes).toBe(4 * MIB + 65_536)
  })

  it.each<[string, () => void, string]>([
    ['a trap', () => trap(), 'Expected a test that decodes, found damaged data.'],
    ['an import that means the end', () => forbidden('longjmp')(), 'Expected a test that decodes, found damaged data.'],
  ])('makes a new instance after %s, and says that the picture is damaged', (_, fail, detail) => {
    const codec = wasmCodec('a test', create)
    const [first] = [codec.run(({ exports }) => exports.memory)]
    expect(() => codec.run(fail)).toThrow(expect.objectContaining({ code: 'image.malformed', detail }))
    expect(codec.heldBytes).toBe(0)
    expect(codec.run(({ exports }) => exports.memory)).not.toBe(first)
  })

  it('keeps the instance after an error of ours, and drops it after one that nobody foresaw', () => {
    const codec = wasmCodec('a test', create)
    const fail = (error: Error) => () => {
      throw error
    }
    expect(() => codec.run(fail(malformed('found none')))).toThrow('found none')
    expect(codec.heldBytes).toBeGreaterThan(0)
    expect(() => codec.run(fail(new RangeError('a bug')))).toThrow(RangeError)
    expect(codec.heldBytes).toBe(0)
  })

  it('lets go of the memory of a large picture when it is told to, be it decoded or refused', () => {
    const codec = wasmCodec('a test', create)
    const decodeLarge = () => codec.run(({ allocate }) => allocate(48 * MIB))
    const refuseLarge = () => {
      codec.run(({ allocate }) => {
        allocate(48 * MIB)
        throw malformed('Expected a picture, found none.')
      })
    }
    for (const attempt of [decodeLarge, () => expect(refuseLarge).toThrow('found none')]) {
      attempt()
      expect(codec.heldBytes).toBeGreaterThan(48 * MIB)
      codec.trim()
      expect(codec.heldBytes).toBe(0)
    }
  })

  it('keeps what is small when it is told to', () => {
    const codec = wasmCodec('a test', create)
    codec.run(({ allocate }) => allocate(4 * MIB))
    codec.trim()
    expect(codec.heldBytes).toBe(4 * MIB + 65_536)
  })
})
