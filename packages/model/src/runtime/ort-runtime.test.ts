import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RuntimeSession } from '../graph/runtime.ts'
import { liveHandles } from './handle.ts'
import { OrtRuntime } from './ort-runtime.ts'
import { expectError } from './testing/expect-error.ts'
import { settledHandles } from './testing/garbage.ts'
import { adder, doubles, repeater } from './testing/tiny-models.ts'

const runtime = new OrtRuntime({ threads: 1 })
let folder: string

beforeAll(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'runtime-test-')))
})

afterAll(() => rm(folder, { recursive: true }))

async function add(session: RuntimeSession, values: readonly number[]): Promise<number[]> {
  using x = runtime.wrap('float32', [values.length / 2, 2], Float32Array.from(values))
  using binding = session.bind().input('x', x).outputOnHost('y')
  await binding.run()
  return Array.from(binding.read('y').data, Number)
}

describe('OrtRuntime', () => {
  it('reports its device and a version', () => {
    expect(runtime.device).toBe('cpu')
    expect(runtime.version).toMatch(/^1\.\d+\.\d+$/)
  })

  it('is used as its example says', async () => {
    const model = adder()
    using runtime = new OrtRuntime({ threads: 2 })
    using session = await runtime.load(model)
    using x = runtime.wrap('float32', [1, 2], Float32Array.of(1, 2))
    using binding = session.bind().input('x', x).outputOnHost('y')
    await binding.run()
    expect(binding.read('y')).toEqual({ dtype: 'float32', shape: [1, 2], data: Float32Array.of(11, 22) })
  })

  it('describes what a model takes and gives', async () => {
    using session = await runtime.load(repeater())
    expect(session.inputs).toEqual([
      { name: 'rounds', dtype: 'int64', shape: [] },
      { name: 'x', dtype: 'float32', shape: ['n'] },
    ])
    expect(session.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['n'] }])
  })

  it('computes, for any size of an open dimension', async () => {
    using session = await runtime.load(adder())
    expect(await add(session, [1, 2])).toEqual([11, 22])
    expect(await add(session, [1, 2, 3, 4, 5, 6])).toEqual([11, 22, 13, 24, 15, 26])
    expect(await add(session, [])).toEqual([])
  })

  it('computes the same without prepacked weights and with one run at a time', async () => {
    using plain = new OrtRuntime({ threads: 1, prepack: false, concurrentRuns: 1 })
    using session = await plain.load(adder())
    expect(await add(session, [1, 2])).toEqual([11, 22])
  })

  it('leaves the bytes of a model to their owner as soon as the load began', async () => {
    const model = adder()
    const load = runtime.load(model)
    model.fill(0)
    using session = await load
    expect(await add(session, [1, 2])).toEqual([11, 22])
  })

  it('refuses work after it was disposed, while its sessions live on', async () => {
    const short = new OrtRuntime({ threads: 1 })
    using session = await short.load(adder())
    short[Symbol.dispose]()
    await expectError(() => short.load(adder()), 'runtime.failed', /after it was disposed/)
    await expectError(() => short.allocate('float32', [1]), 'runtime.failed', /after it was disposed/)
    expect(await add(session, [1, 2])).toEqual([11, 22])
  })

  it('refuses options that are out of range', async () => {
    await expectError(() => new OrtRuntime({ threads: -1 }), 'runtime.failed', /threads: expected .* found -1/)
    await expectError(() => new OrtRuntime({ concurrentRuns: 0 }), 'runtime.failed', /concurrentRuns: .* found 0/)
  })

  // A library named by ORT_LIB may well have a GPU.
  it.skipIf(process.env['ORT_LIB'])('says why a device is not available', async () => {
    const before = await settledHandles()
    await expectError(
      () => new OrtRuntime({ device: 'cuda' }),
      'runtime.failed',
      /"cuda" is not available here: there is no /,
    )
    const options = { device: 'cuda', deviceOptions: { no_such_option: '1' } } as const
    await expectError(() => new OrtRuntime(options), 'runtime.failed', /"cuda" is not available/)
    expect(liveHandles()).toBe(before)
  })
})

describe('external weights', () => {
  /** Two floats after four bytes of something else. */
  async function writeWeights(...names: string[]): Promise<void> {
    const file = path.join(folder, ...names)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, new Uint8Array(new Float32Array([Number.NaN, 100, 200]).buffer))
  }
  const located = (location: string) => adder({ location, offset: 4, length: 8 })

  it('are read from a file of the folder, at their offset', async () => {
    await writeWeights('plain', 'weights.bin')
    using session = await runtime.load(located('weights.bin'), { weightsFolder: path.join(folder, 'plain') })
    expect(await add(session, [1, 2])).toEqual([101, 202])
  })

  it('may lie in a folder that is reached through a link', async () => {
    await writeWeights('real', 'weights.bin')
    await symlink(path.join(folder, 'real'), path.join(folder, 'linked'))
    using session = await runtime.load(located('weights.bin'), { weightsFolder: path.join(folder, 'linked') })
    expect(await add(session, [1, 2])).toEqual([101, 202])
  })

  it('that are links out of the folder are refused, and load by their real path', async () => {
    await writeWeights('blobs', '0123abcd')
    await mkdir(path.join(folder, 'snapshot'))
    const link = path.join(folder, 'snapshot', 'model.safetensors')
    await symlink(path.join('..', 'blobs', '0123abcd'), link)
    const options = { weightsFolder: path.dirname(link) }
    await expectError(() => runtime.load(located('model.safetensors'), options), 'runtime.failed', /model\.safetensors/)

    const real = await realpath(link)
    using session = await runtime.load(located(path.basename(real)), { weightsFolder: path.dirname(real) })
    expect(await add(session, [1, 2])).toEqual([101, 202])
  })

  it('that are missing or too short fail the load', async () => {
    await writeWeights('short', 'weights.bin')
    const options = { weightsFolder: path.join(folder, 'short') }
    const beyond = adder({ location: 'weights.bin', offset: 8, length: 8 })
    await expectError(() => runtime.load(beyond, options), 'runtime.failed', /CreateSessionFromArray: /)
    await expectError(() => runtime.load(located('absent.bin'), options), 'runtime.failed', /absent\.bin/)
    const nowhere = { weightsFolder: path.join(folder, 'nowhere') }
    await expectError(() => runtime.load(located('weights.bin'), nowhere), 'runtime.failed', /nowhere cannot be opened/)
  })
})

describe('a model that is not valid', () => {
  it('fails with the function, code and text of ONNX Runtime, and frees everything', async () => {
    const before = await settledHandles()
    const garbage = Uint8Array.of(1, 2, 3)
    await expectError(() => runtime.load(garbage), 'runtime.failed', /^CreateSessionFromArray: INVALID_PROTOBUF: /)
    await expectError(() => runtime.load(new Uint8Array(0)), 'runtime.failed', /^CreateSessionFromArray: /)
    await expectError(() => runtime.load(adder().slice(0, -1)), 'runtime.failed', /^CreateSessionFromArray: /)
    expect(liveHandles()).toBe(before)
  })

  it('fails when it has inputs of a dtype that Loupe does not know', async () => {
    const before = await settledHandles()
    await expectError(() => runtime.load(doubles()), 'runtime.failed', /^x: expected a tensor of a known dtype/)
    expect(liveHandles()).toBe(before)
  })
})
