import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GGUF_TYPES, type GgufDType, openGguf, readGgufTensor } from '@loupe/model'
import { describe, expect, it } from 'vitest'
import { encodeGguf } from '../../support/gguf-writer.ts'
import { joinPieces } from '../../support/join-pieces.ts'
import { memoryFiles } from '../../support/memory-files.ts'

const cases: Record<string, { blocks: string; float32: string }> = JSON.parse(
  await readFile(join(import.meta.dirname, 'blocks.json'), 'utf8'),
)

function isQuantised(name: string): name is GgufDType {
  return Object.hasOwn(GGUF_TYPES, name)
}

const QUANTISED = Object.keys(GGUF_TYPES).filter((name) => isQuantised(name) && GGUF_TYPES[name].blockSize > 1)

describe('random blocks', () => {
  it('are there for every quantised type', () => {
    expect(Object.keys(cases).sort()).toEqual(QUANTISED.sort())
  })

  it.each(QUANTISED)('of %s are the numbers of the reference, bit for bit', async (dtype) => {
    if (!isQuantised(dtype)) throw new Error(`${dtype} is no type`)
    const { blocks = '', float32 = '' } = cases[dtype] ?? {}
    const data = Uint8Array.from(Buffer.from(blocks, 'hex'))
    const { blockSize, blockBytes } = GGUF_TYPES[dtype]
    const rows = data.byteLength / blockBytes
    const files = memoryFiles({ x: encodeGguf({ tensors: { t: { dtype, shape: [rows, blockSize], data } } }) })
    const tensor = (await openGguf(files, 'x')).tensors.get('t')
    if (tensor === undefined) throw new Error('there is no t')
    const hex = ({ buffer }: Float32Array<ArrayBuffer>) => Buffer.from(buffer).toString('hex')
    expect(hex(await joinPieces(readGgufTensor(files, tensor)))).toBe(float32)
    const last = readGgufTensor(files, tensor, { start: (rows - 1) * blockSize, end: rows * blockSize })
    expect(hex(await joinPieces(last))).toBe(float32.slice(-8 * blockSize))
  })
})
