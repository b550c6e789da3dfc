import { AppError } from '@loupe/shared/errors'
import { describe, expect, it } from 'vitest'
import { type FileReader, openCheckpoint } from './checkpoint.ts'
import { encodeSafetensors } from './safetensors-encode.ts'

const INDEX = 'model.safetensors.index.json'

/** Files in memory that refuse to be read out of bounds. */
function memoryFiles(files: Record<string, Uint8Array>): FileReader {
  return {
    size: async (name) => files[name]?.byteLength,
    async read(name, offset, length) {
      const bytes = files[name]
      if (bytes === undefined || offset + length > bytes.byteLength) throw new Error(`read past the end of ${name}`)
      return bytes.slice(offset, offset + length)
    },
  }
}

function shard(...names: string[]): Uint8Array {
  return encodeSafetensors(new Map(names.map((name) => [name, { dtype: 'U8', shape: [1], data: Uint8Array.of(9) }])))
}

function index(weightMap: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 3 }, weight_map: weightMap }))
}

async function fault(files: Record<string, Uint8Array>): Promise<string> {
  const thrown = await openCheckpoint(memoryFiles(files)).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (AppError.isInstance(thrown) && thrown.code === 'weights.invalid') return thrown.detail
  throw thrown ?? new Error('expected weights.invalid')
}

describe('openCheckpoint', () => {
  it('lists the tensors of a single file', async () => {
    const bytes = shard('a', 'b')
    const { tensors } = await openCheckpoint(memoryFiles({ 'model.safetensors': bytes }))
    expect(tensors.get('b')).toEqual({
      name: 'b',
      dtype: 'U8',
      shape: [1],
      file: 'model.safetensors',
      offset: bytes.byteLength - 1,
      bytes: 1,
    })
  })

  it('lists the tensors of every shard', async () => {
    const files = { '1.safetensors': shard('a', 'c'), '2.safetensors': shard('b') }
    const map = { a: '1.safetensors', b: '2.safetensors', c: '1.safetensors' }
    const { tensors } = await openCheckpoint(memoryFiles({ ...files, [INDEX]: index(map) }))
    expect(Object.fromEntries([...tensors].map(([name, { file }]) => [name, file]))).toEqual(map)
  })

  it('refuses a directory without weights', async () => {
    expect(await fault({})).toBe('Expected model.safetensors or model.safetensors.index.json, found neither.')
  })

  it('refuses a file that is cut off', async () => {
    expect(await fault({ 'model.safetensors': shard('a').slice(0, -1) })).toContain('as the header says, found')
    expect(await fault({ 'model.safetensors': new Uint8Array(3) })).toContain('expected at least 8 bytes, found 3')
  })

  it('refuses an index that names a shard that does not exist', async () => {
    const files = { [INDEX]: index({ a: 'gone.safetensors' }) }
    expect(await fault(files)).toContain('expected the shard gone.safetensors, found no such file')
  })

  it('names the tensors on which index and shards do not agree', async () => {
    const files = { '1.safetensors': shard('a', 'stray'), '2.safetensors': shard('b', 'moved') }
    const map = { a: '1.safetensors', b: '2.safetensors', lost: '2.safetensors', moved: '1.safetensors' }
    const message = await fault({ ...files, [INDEX]: index(map) })
    expect(message).toContain('2 not in the shard that the index names: lost in 2.safetensors, moved in 1.safetensors')
    expect(message).toContain('2 in a shard but not in the index: stray in 1.safetensors, moved in 2.safetensors')
  })

  it.each([
    ['a path out of the directory', index({ a: '../x.safetensors' }), 'a: expected a plain .safetensors name'],
    ['a shard that is no safetensors file', index({ a: 'x.bin' }), 'found "x.bin"'],
    ['a shard that is no text', index({ a: 1 }), 'found 1'],
    ['no weight map', index(undefined), 'expected a weight_map'],
    ['a list as weight map', index([]), 'expected a weight_map'],
    ['broken JSON', new TextEncoder().encode('{'), 'expected JSON in UTF-8'],
    [
      'a tensor twice',
      new TextEncoder().encode('{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}'),
      'each key once',
    ],
  ])('refuses an index with %s', async (_, bytes, message) => {
    expect(await fault({ [INDEX]: bytes })).toContain(message)
  })
})
