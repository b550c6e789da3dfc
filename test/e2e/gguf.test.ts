import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningWorker, startWorker } from '@loupe/gpu-worker/src/start-worker.ts'
import { buildPrompt, type ChatMessage } from '@loupe/shared/chat'
import { loadTokenizer } from '@loupe/shared/tokenizer'
import {
  decodeGenerateResponse,
  encodeGenerateRequest,
  HEADER_LENGTH_HEADER,
  type ModelMetadata,
  parseModelMetadata,
  WORKER_PATHS,
} from '@loupe/shared/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { simdPipeline } from '../support/image-pipelines.ts'
import { tinyGgufs } from '../support/tiny-gguf.ts'
import { examplePath } from './support/pictures.ts'

let folder: string
let modelPath: string
let mmproj: string
const logged: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'loupe-gguf-'))
  modelPath = join(folder, 'tiny-Q8_0.gguf')
  mmproj = join(folder, 'mmproj.gguf')
  const pair = await tinyGgufs()
  await writeFile(modelPath, pair.language)
  await writeFile(mmproj, pair.vision)
})

afterAll(() => rm(folder, { recursive: true }))

type Options = Parameters<typeof startWorker>[0]

function start(options: Partial<Options> = {}): Promise<RunningWorker> {
  return startWorker({
    modelPath,
    host: '127.0.0.1',
    port: 0,
    maxWaiting: 8,
    slots: 2,
    slotTokens: 1024,
    chunkTokens: 320,
    imageCacheBytes: 1 << 24,
    prefixCacheBytes: 1 << 26,
    speculate: 'auto',
    drainMs: 0,
    log: (_level, event) => logged.push(event),
    signal: new AbortController().signal,
    ...options,
    load: { cacheDirectory: join(folder, 'cache'), threads: 1, ...options.load },
  })
}

/** A worker, and what its addresses say. */
async function describeWorker({ url, modelName }: RunningWorker) {
  const { inputs, parameters } = parseModelMetadata(
    await (await fetch(`${url}${WORKER_PATHS.model(modelName)}`)).json(),
  )
  const artifact = await (await fetch(`${url}${WORKER_PATHS.tokenizer(modelName)}`)).arrayBuffer()
  return { url, modelName, inputs, parameters, tokenizer: loadTokenizer(new Uint8Array(artifact)) }
}

type Described = Awaited<ReturnType<typeof describeWorker>>

async function answer(worker: Described, messages: readonly ChatMessage[], patches: readonly Uint8Array[] = []) {
  const { url, modelName, parameters, tokenizer } = worker
  const { ids } = buildPrompt(tokenizer, messages, imageTokensOf(parameters))
  const { headers, body } = encodeGenerateRequest({
    inputIds: ids,
    imageDigests: patches.map((picture) => createHash('sha256').update(picture).digest('hex')),
    patches,
    parameters: { max_tokens: 20, temperature: 0 },
  })
  const response = await fetch(`${url}${WORKER_PATHS.infer(modelName)}`, { method: 'POST', headers, body })
  const headerLength = response.headers.get(HEADER_LENGTH_HEADER)
  const { outputIds } = decodeGenerateResponse({ headerLength, body: new Uint8Array(await response.arrayBuffer()) })
  return tokenizer.decode(outputIds, { skipSpecial: true })
}

function imageTokensOf(parameters: ModelMetadata['parameters']) {
  if (!parameters.has_vision) return {}
  const { boi_token_id: boi, image_token_id: soft, eoi_token_id: eoi, tokens_per_image: tokensPerImage } = parameters
  return { imageTokens: { boi, soft, eoi, tokensPerImage } }
}

describe('a worker with a pair of GGUF files', () => {
  let worker: RunningWorker
  let described: Described
  beforeAll(async () => {
    worker = await start({ load: { mmproj } })
    described = await describeWorker(worker)
  })
  afterAll(() => worker.close())

  it('is named after the file', () => {
    expect(worker.modelName).toBe('tiny-Q8_0')
  })

  it("ends answers and draws tokens as Gemma's generation_config.json says", () => {
    expect(described.parameters).toMatchObject({
      eos_token_ids: [1, 106],
      generation_defaults: { temperature: 1, top_k: 64, top_p: 0.95 },
      has_vision: true,
      tokens_per_image: 256,
    })
  })

  it.each([
    ['red-circle.png', /red circle/],
    ['three-blue-stars.png', /three blue stars/],
  ])('says what is in %s', async (name, truth) => {
    const { patches } = await simdPipeline.preprocess(await readFile(examplePath(name)))
    const content = [{ type: 'image' }, { type: 'text', text: 'What is in this picture?' }] as const
    expect(await answer(described, [{ role: 'user', content }], [patches])).toMatch(truth)
  })
})

describe('a worker with the language model alone', () => {
  let worker: RunningWorker
  beforeAll(async () => {
    worker = await start({ modelName: 'text' })
  })
  afterAll(() => worker.close())

  it('takes no pictures, and says so', async () => {
    const { inputs, parameters } = await describeWorker(worker)
    expect(inputs.map(({ name }) => name)).toEqual(['input_ids'])
    expect(parameters).toMatchObject({ has_vision: false, image_token_id: -1, tokens_per_image: 0, image_size: 0 })
    const vision = await fetch(`${worker.url}${WORKER_PATHS.vision('text')}`, { method: 'POST' })
    expect(vision.status).toBe(404)
  })

  it('answers', async () => {
    const text = await answer(await describeWorker(worker), [{ role: 'user', content: 'Hello!' }])
    expect(text).toMatch(/^[A-Z].*\.$/)
  })
})

describe('the chat template of a GGUF', () => {
  async function startWith(template: string | undefined, options: Partial<Options> = {}): Promise<void> {
    const path = join(folder, 'changed.gguf')
    const { language } = await tinyGgufs({
      'tokenizer.chat_template': template === undefined ? undefined : ['string', template],
    })
    await writeFile(path, language)
    await (await start({ ...options, modelPath: path })).close()
  }

  const other = "{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}"

  it('is refused when it is another, before anything is packed', async () => {
    const cacheDirectory = join(folder, 'untouched')
    await expect(startWith(other, { load: { cacheDirectory } })).rejects.toMatchObject({
      code: 'config.invalid',
      detail: expect.stringContaining('expected a chat template that writes a question as Gemma 3'),
    })
    await expect(stat(cacheDirectory)).rejects.toThrow('ENOENT')
  })

  it('may be another when Gemma 3 is asked for', async () => {
    await startWith(other, { chatTemplate: 'gemma3' })
  })

  it('may be missing, which is logged; so is the packing', async () => {
    logged.length = 0
    await startWith(undefined, { load: { cacheDirectory: join(folder, 'another') } })
    expect(logged.slice(0, 2)).toEqual(['chat_template.missing', 'weights.read'])
    expect(logged.at(-1)).toBe('weights.pack')
  })
})

describe('a GGUF that cannot be served', () => {
  it.each([
    [
      'a vision file for a language model',
      () => ({ modelPath: mmproj }),
      'a vision tower, which mmproj (--mmproj) takes',
    ],
    ['a language model for a vision file', () => ({ load: { mmproj: modelPath } }), 'expected "clip", found "gemma3"'],
    ['something else', () => ({ modelPath: import.meta.filename }), 'the magic number: expected "GGUF"'],
  ])('says that it is %s', async (_, options, fault) => {
    await expect(start(options())).rejects.toThrow(fault)
  })
})
