import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeSafetensors, type EncodableTensor, encodeSafetensors } from '@loupe/model'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loupe-forward-'))
})
afterAll(() => rm(folder, { recursive: true }))

const loupe = (...argv: string[]) => runLine(argv)

async function inputs(tensors: Record<string, EncodableTensor>): Promise<string> {
  const path = join(folder, `${Object.keys(tensors).join('-')}.safetensors`)
  await writeFile(path, encodeSafetensors(new Map(Object.entries(tensors))))
  return path
}

const integers = (shape: number[], ...data: number[]): EncodableTensor => ({
  dtype: 'I32',
  shape,
  data: Int32Array.from(data),
})

describe('loupe forward', () => {
  it('writes logits, hidden states and loss of the embedded model', async () => {
    const labels = integers([2, 4], -100, 7, 8, -100, 7, 8, 9, -100)
    const input_ids = integers([2, 4], 0, 2, 7, 8, 2, 7, 8, 9)
    const attention_mask = integers([2, 4], 0, 1, 1, 1, 1, 1, 1, 1)
    const path = await inputs({ input_ids, attention_mask, labels })
    const outPath = join(folder, 'out.safetensors')
    expect(await loupe('forward', '--inputs', path, '--out', outPath)).toEqual({ status: 0, out: '', err: '' })

    const found = decodeSafetensors(await readFile(outPath))
    const shapes = Object.fromEntries([...found].map(([name, { shape }]) => [name, shape.join()]))
    const [, , vocabulary] = found.get('logits')?.shape ?? []
    const { 'hidden_states.0': embeddings, ...rest } = shapes
    expect(embeddings).toMatch(/^2,4,\d+$/)
    expect(rest).toMatchObject({ logits: `2,4,${vocabulary}`, token_loss: '2,4', 'hidden_states.1': embeddings })
    expect(Object.keys(rest)).not.toContain('image_features')
  })

  it.each([
    [['--gradients'], /--gradients is not offered yet\. \[request\.unsupported\]/],
    [['--train', 'language_model'], /--train is not offered yet\. \[request\.unsupported\]/],
  ])('refuses %j', async (extra, message) => {
    const { status, err } = await loupe('forward', '--inputs', 'x', '--out', 'y', ...extra)
    expect(status).toBe(1)
    expect(err).toMatch(message)
  })

  it('gives the same in stages, up to one for each layer', async () => {
    const path = await inputs({ input_ids: integers([1, 6], 2, 7, 8, 9, 10, 11) })
    const run = async (...extra: string[]) => {
      const outPath = join(folder, 'stages.safetensors')
      const result = await loupe('forward', '--inputs', path, '--out', outPath, ...extra)
      expect(result).toEqual({ status: 0, out: '', err: '' })
      return decodeSafetensors(await readFile(outPath))
    }
    const whole = await run()
    const layers = [...whole.keys()].filter((name) => name.startsWith('hidden_states.')).length - 1
    for (const stages of ['1', '2', `${layers}`]) {
      const split = await run('--stages', stages)
      expect([...split.keys()].sort()).toEqual([...whole.keys()].sort())
      for (const [name, { shape, data }] of whole) {
        expect(split.get(name)?.shape).toEqual(shape)
        const [found, expected] = [split.get(name)?.data ?? new Uint8Array(), data].map(
          (bytes) => new Float32Array(Uint8Array.from(bytes).buffer),
        )
        const worst = Math.max(
          ...Array.from(expected ?? [], (value, i) => Math.abs(value - (found?.[i] ?? Number.NaN))),
        )
        expect(worst, `${name} in ${stages} stages`).toBeLessThan(1e-4)
      }
    }
    const { err } = await loupe('forward', '--inputs', path, '--out', 'none', '--stages', `${layers + 1}`)
    expect(err).toMatch(`Expected 1 to ${layers} stages for as many layers, found ${layers + 1}. [request.invalid]`)
  })

  it('computes with packed weights, in stages too, and packs them once', async () => {
    const path = await inputs({ input_ids: integers([1, 6], 2, 7, 8, 9, 10, 11) })
    const run = async (...extra: string[]) => {
      const outPath = join(folder, 'dtype.safetensors')
      const options = ['--cache', join(folder, 'cache'), '--activations', 'float32', ...extra]
      const { status, err } = await loupe('forward', '--inputs', path, '--out', outPath, ...options)
      expect(status, err).toBe(0)
      const logits = decodeSafetensors(await readFile(outPath)).get('logits')?.data ?? new Uint8Array()
      return { err, logits: new Float32Array(Uint8Array.from(logits).buffer) }
    }
    const worst = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? 0))))
    const { logits: exact } = await run()
    const first = await run('--dtype', 'int8')
    expect(first.err).toMatch(/language/)
    expect(worst(first.logits, exact)).toBeGreaterThan(0)
    expect(worst(first.logits, exact)).toBeLessThan(0.1 * Math.max(...exact.map(Math.abs)))
    const again = await run('--dtype', 'int8', '--stages', '3')
    expect(again.err).not.toMatch(/pack/)
    expect(worst(again.logits, first.logits)).toBeLessThan(1e-4)
  })

  it.each(['0', '1.5', 'two', ''])('takes no %j stages', async (stages) => {
    const { status, err } = await loupe('forward', '--inputs', 'x', '--out', 'y', '--stages', stages)
    expect(status).toBe(2)
    expect(err).toMatch(/--stages takes a whole number from 1 to 1000/)
  })

  it.each([
    ['no ids', { labels: integers([1, 2], 1, 2) }, /input_ids: expected a tensor of this name, found none/],
    ['ids of one axis', { input_ids: integers([2], 1, 2) }, /input_ids: expected \[b, t\], found \[2\]/],
    [
      'a mask of another shape',
      { input_ids: integers([1, 2], 1, 2), attention_mask: integers([1, 3], 1, 1, 1) },
      /attention_mask: expected \[1, 2\], found \[1, 3\]/,
    ],
    [
      'a tensor it does not know',
      { pixel_values: integers([1], 1) },
      /pixel_values: expected input_ids, .* found pixel_values/,
    ],
    [
      'a tensor named as a property that objects have',
      { constructor: integers([1], 1) },
      /constructor: expected input_ids, .* found constructor/,
    ],
    [
      'ids of another type',
      { input_ids: { dtype: 'F32', shape: [1, 1], data: Float32Array.of(1) } },
      /input_ids: expected I32, found F32/,
    ],
  ] as const)('refuses a file with %s', async (_, tensors, message) => {
    const { status, err } = await loupe('forward', '--inputs', await inputs(tensors), '--out', join(folder, 'none'))
    expect(status).toBe(1)
    expect(err).toMatch(message)
  })

  it('says which file it cannot read', async () => {
    const { status, err } = await loupe('forward', '--inputs', join(folder, 'absent'), '--out', 'y')
    expect(status).toBe(2)
    expect(err).toMatch(/--inputs: .*absent cannot be read/)
  })
})

describe('loupe generate', () => {
  it('prints one array of exactly N ids a row, the same with and without padding', async () => {
    const padded = await inputs({
      input_ids: integers([2, 5], 2, 7, 8, 9, 10, 0, 0, 2, 7, 8),
      attention_mask: integers([2, 5], 1, 1, 1, 1, 1, 0, 0, 1, 1, 1),
    })
    const { out, status } = await loupe('generate', '--inputs', padded, '--max-tokens', '6')
    expect(status).toBe(0)
    const rows = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map((row) => row.length)).toEqual([6, 6])

    const alone = await inputs({ input_ids: integers([1, 3], 2, 7, 8) })
    expect(JSON.parse((await loupe('generate', '--inputs', alone, '--max-tokens', '6')).out)).toEqual(rows[1])
  })

  it('refuses more ids than the model has context for', async () => {
    const path = await inputs({ input_ids: integers([1, 3], 2, 7, 8) })
    const { status, err } = await loupe('generate', '--inputs', path, '--max-tokens', '1000000')
    expect(status).toBe(1)
    expect(err).toMatch(/\[prompt\.too_long\]/)
  })
})
