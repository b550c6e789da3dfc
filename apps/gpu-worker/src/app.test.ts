import { AppError } from '@loupe/shared/errors'
import {
  decodeGenerateResponse,
  decodeInferResponse,
  encodeInferRequest,
  HEADER_LENGTH_HEADER,
  parseModelList,
  parseModelMetadata,
  patchesTensor,
  WORKER_PATHS,
} from '@loupe/shared/wire'
import { describe, expect, it, vi } from 'vitest'
import { FAKE_IDS } from './testing/fake-model.ts'
import { createFixture, INFER, MODEL_NAME, picture, prompt, question, STREAM } from './testing/worker-fixture.ts'

async function message(response: Response) {
  return {
    headerLength: response.headers.get(HEADER_LENGTH_HEADER),
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

describe('what the worker tells about itself', () => {
  it('names itself and its extensions', async () => {
    const { app } = createFixture()
    const body = await (await app.request('/v2')).json()
    expect(body).toMatchObject({ name: 'loupe', extensions: expect.arrayContaining(['binary_tensor_data']) })
  })

  it('is live and ready, and not ready while it drains', async () => {
    const { app, setState } = createFixture()
    const status = async (path: string) => (await app.request(path)).status
    const paths = ['/v2/health/live', '/v2/health/ready', WORKER_PATHS.modelReady(MODEL_NAME)]
    expect(await Promise.all(paths.map(status))).toEqual([200, 200, 200])
    setState('draining')
    expect(await Promise.all(paths.map(status))).toEqual([200, 503, 503])
  })

  it('lists its models and describes each', async () => {
    const { app } = createFixture()
    expect(parseModelList(await (await app.request('/v2/models')).json())).toEqual({
      models: [{ name: MODEL_NAME, ready: true }],
    })
    const metadata = parseModelMetadata(await (await app.request(WORKER_PATHS.model(MODEL_NAME))).json())
    expect(metadata.parameters).toMatchObject({ image_token_id: FAKE_IDS.image, tokens_per_image: 256, vocab_size: 64 })
    expect(metadata.inputs.map(({ name }) => name)).toEqual(['input_ids', 'image_digests', 'patches'])
  })

  it('gives the tokenizer once per digest', async () => {
    const { app, served } = createFixture()
    const first = await app.request(WORKER_PATHS.tokenizer(MODEL_NAME))
    expect(first.headers.get('etag')).toBe(`"${served.metadata.parameters.tokenizer_digest}"`)
    expect(first.headers.get('cache-control')).toContain('immutable')
    expect(new Uint8Array(await first.arrayBuffer())).toEqual(served.tokenizer)
    const headers = { 'if-none-match': first.headers.get('etag') ?? '' }
    expect((await app.request(WORKER_PATHS.tokenizer(MODEL_NAME), { headers })).status).toBe(304)
  })

  it('counts requests, tokens and pictures under the names of vLLM', async () => {
    const { app } = createFixture()
    const { patches, digest } = picture(1)
    await app.request(INFER, question({ imageDigests: [digest], patches: [patches] }))
    await app.request(INFER, question({ imageDigests: [digest] }))
    const metrics = async () => (await app.request('/metrics')).text()
    // A reply does not wait for its slot to be given back.
    await vi.waitFor(async () => {
      const text = await metrics()
      for (const name of ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'vllm:kv_cache_usage_perc']) {
        expect(text).toContain(`${name}{model_name="fake"} 0`)
      }
    })
    const text = await metrics()
    expect(text).toContain('vllm:generation_tokens_total{model_name="fake"} 6')
    expect(text).toContain('vllm:mm_cache_hits_total{model_name="fake"} 1')
    expect(text).toContain('loupe:vision_passes_total{model_name="fake"} 1')
    expect(text).toContain('vllm:request_success_total{model_name="fake",finished_reason="stop"} 2')
    expect(text).toContain('vllm:time_to_first_token_seconds_count{model_name="fake"} 2')
    expect(text).toContain('vllm:request_prefill_time_seconds_count{model_name="fake"} 2')
    expect(text).toContain('vllm:request_decode_time_seconds_count{model_name="fake"} 2')
    expect(text).toContain('vllm:inter_token_latency_seconds_count{model_name="fake"} 4')
    expect(text).toContain('vllm:iteration_tokens_total_sum{model_name="fake"} ')
    expect(text).toContain('loupe:decode_batch_size_bucket{model_name="fake",le="1"} 6')
    expect(text).toContain('vllm:num_preemptions_total{model_name="fake"} 0')
  })

  it('answers with the request id it was given, or makes one', async () => {
    const { app } = createFixture()
    const headers = { 'x-request-id': 'abc-1' }
    for (const path of ['/v2', '/nowhere', INFER]) {
      expect((await app.request(path, { headers })).headers.get('x-request-id')).toBe('abc-1')
    }
    expect((await app.request(STREAM, question())).headers.get('x-request-id')).not.toBeNull()
    expect((await app.request('/v2')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('logs sizes and times, never ids or pixels', async () => {
    const { app, logged } = createFixture()
    await app.request(INFER, question())
    expect(logged.map(({ event }) => event)).toEqual(['answer', 'request'])
    expect(logged[0]?.fields).toMatchObject({ promptTokens: 2, completionTokens: 3, outcome: 'stop' })
    expect(JSON.stringify(logged)).not.toMatch(/input_ids|patches/)
  })
})

describe('infer', () => {
  it.each([true, false])('answers a question about a picture (binary answer: %s)', async (binary) => {
    const { app, model } = createFixture()
    const { patches, digest } = picture(7)
    const parameters = { binary_data_output: binary, logprobs: true }
    const request = question({ id: 'r1', imageDigests: [digest], patches: [patches], parameters })
    const response = await app.request(INFER, request)
    expect(response.headers.get('content-type')).toBe(binary ? 'application/octet-stream' : 'application/json')
    const answer = decodeGenerateResponse(await message(response))
    expect(answer).toMatchObject({ model_name: MODEL_NAME, id: 'r1', outputIds: Int32Array.of(10, 11, 12) })
    expect(answer.logprobs).toHaveLength(3)
    expect(answer.summary).toEqual({
      finish_reason: 'stop',
      prompt_tokens: 260,
      completion_tokens: 3,
      image_tokens: 256,
      cached_tokens: 0,
      images_cached: 0,
    })
    expect(model.steps).toMatchObject({ vision: 1, prefill: 1, decode: 3 })
    // The reply does not wait for its slot to be given back.
    await vi.waitFor(() => expect(model.heldSlots).toBe(0))
  })

  it('ends at max_tokens, at stop ids, and passes the end token when told to', async () => {
    const { app } = createFixture()
    const ids = async (parameters: object) => {
      const answer = decodeGenerateResponse(await message(await app.request(INFER, question({ parameters }))))
      return [answer.summary.finish_reason, ...answer.outputIds]
    }
    expect(await ids({ max_tokens: 2 })).toEqual(['length', 10, 11])
    expect(await ids({ stop_token_ids: [12] })).toEqual(['stop', 10, 11])
    expect(await ids({ max_tokens: 5, ignore_eos: true })).toEqual(['length', 10, 11, 12, FAKE_IDS.eos, FAKE_IDS.eos])
  })

  it('lets go of the body once it is read', async () => {
    const { app, served } = createFixture()
    const generate = vi.spyOn(served.engine, 'generate')
    const { digest, patches } = picture(7)
    // With one of these the ids lie aligned in the body, so that they could be used in place.
    for (const id of ['r', 'r1', 'r12', 'r123']) {
      await app.request(INFER, question({ id, imageDigests: [digest], patches: [patches] }))
    }
    const held = generate.mock.calls.map(([{ inputIds }]) => inputIds.buffer.byteLength)
    expect(held).toEqual(held.map(() => 4 * prompt(1).length))
  })

  it('never says an image token', async () => {
    const { app, model } = createFixture()
    model.answer = [FAKE_IDS.image, 11]
    const answer = decodeGenerateResponse(await message(await app.request(INFER, question())))
    expect([...answer.outputIds]).toEqual([0, 11])
  })

  it('computes image features as a service, and remembers them', async () => {
    const { app, model } = createFixture()
    const pictures = [picture(3), picture(4)]
    const { headers, body } = encodeInferRequest({
      parameters: { binary_data_output: true },
      inputs: [patchesTensor(pictures.map(({ patches }) => patches))],
    })
    const response = await app.request(WORKER_PATHS.vision(MODEL_NAME), { method: 'POST', headers, body })
    const { outputs } = decodeInferResponse(await message(response))
    expect(outputs[0]).toMatchObject({ name: 'image_features', datatype: 'FP32', shape: [2, 256, 2] })
    expect([outputs[0]?.data[0], outputs[0]?.data[512]]).toEqual([3, 4])
    await app.request(INFER, question({ imageDigests: pictures.map(({ digest }) => digest) }))
    expect(model.steps.vision).toBe(2)
  })
})

describe('pictures by digest', () => {
  it('asks for a missing picture having started nothing, then answers', async () => {
    const { app, model } = createFixture()
    const { patches, digest } = picture(7)
    const refused = await app.request(INFER, question({ imageDigests: [digest] }))
    expect(refused.status).toBe(409)
    expect(await refused.json()).toMatchObject({ code: 'image.missing', facts: { missing: [digest] } })
    expect(model.steps).toEqual({ vision: 0, prefill: 0, decode: 0 })
    expect((await app.request(INFER, question({ imageDigests: [digest], patches: [patches] }))).status).toBe(200)
  })

  it('answers a second question about a picture without pixels and without a vision pass', async () => {
    const { app, model } = createFixture()
    const { patches, digest } = picture(7)
    await app.request(INFER, question({ imageDigests: [digest], patches: [patches] }))
    const second = question({ imageDigests: [digest] })
    expect((second.body as Uint8Array).byteLength).toBeLessThan(2000)
    const answer = decodeGenerateResponse(await message(await app.request(INFER, second)))
    expect(answer.summary.images_cached).toBe(1)
    expect(model.steps.vision).toBe(1)
  })

  it('asks only for those that are missing, each once', async () => {
    const { app } = createFixture()
    const [a, b] = [picture(1), picture(2)]
    await app.request(INFER, question({ imageDigests: [a.digest], patches: [a.patches] }))
    const refused = await app.request(INFER, question({ imageDigests: [b.digest, a.digest, b.digest] }))
    expect(await refused.json()).toMatchObject({ facts: { missing: [b.digest] } })
  })

  it('keeps the pictures of tenants apart', async () => {
    const { app, model } = createFixture()
    const { patches, digest } = picture(7)
    const from = (tenant: string) => ({ imageDigests: [digest], parameters: { tenant } })
    await app.request(INFER, question({ ...from('a'), patches: [patches] }))
    expect((await app.request(INFER, question(from('b')))).status).toBe(409)
    await app.request(INFER, question({ ...from('b'), patches: [patches] }))
    expect(model.steps.vision).toBe(2)
  })
})

describe('what the worker refuses', () => {
  const { digest, patches } = picture(7)

  it.each([
    ['an unknown model', '/v2/models/other/infer', question(), 404, 'model.unknown'],
    ['an unknown address', '/v2/models/fake/nothing', question(), 404, 'route.unknown'],
    ['GET where POST belongs', INFER, {}, 405, 'route.method'],
    ['a token id out of range', INFER, question({ inputIds: Int32Array.of(64) }), 400, 'prompt.invalid_token'],
    ['a negative token id', INFER, question({ inputIds: Int32Array.of(-1) }), 400, 'prompt.invalid_token'],
    ['an empty prompt', INFER, question({ inputIds: new Int32Array() }), 400, 'prompt.invalid'],
    ['a prompt beyond the context', INFER, question({ inputIds: new Int32Array(2048) }), 400, 'prompt.too_long'],
    ['an answer beyond the context', INFER, question({ parameters: { max_tokens: 2047 } }), 400, 'prompt.too_long'],
    [
      '3 images but 2 placeholders',
      INFER,
      question({ inputIds: prompt(2), imageDigests: [digest, digest, digest] }),
      400,
      'image.count_mismatch',
    ],
    [
      'an image run of the wrong length',
      INFER,
      question({ inputIds: prompt(1).subarray(0, 100), imageDigests: [digest] }),
      400,
      'image.count_mismatch',
    ],
    [
      'a digest that does not match its bytes',
      INFER,
      question({ imageDigests: [picture(8).digest], patches: [patches] }),
      400,
      'image.digest_mismatch',
    ],
    ['a parameter out of range', INFER, question({ parameters: { temperature: -1 } }), 400, 'request.invalid'],
    ['a body that is no message', INFER, { method: 'POST', body: '{' }, 400, 'request.invalid'],
    ['the same on the stream', STREAM, question({ inputIds: Int32Array.of(64) }), 400, 'prompt.invalid_token'],
  ])('refuses %s', async (_, path, init, status, code) => {
    const { app, model } = createFixture()
    const response = await app.request(path, init)
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code, error: expect.any(String) })
    expect(model.steps).toEqual({ vision: 0, prefill: 0, decode: 0 })
  })

  it('says which method an address takes', async () => {
    const { app } = createFixture()
    for (const path of [INFER, STREAM, WORKER_PATHS.vision(MODEL_NAME)]) {
      expect((await app.request(path)).headers.get('allow')).toBe('POST')
    }
  })

  it('refuses a tensor of the wrong size', async () => {
    const { app } = createFixture()
    const { headers, body } = encodeInferRequest({
      inputs: [
        { name: 'input_ids', datatype: 'INT32', shape: [1], data: Int32Array.of(2) },
        { name: 'patches', datatype: 'UINT8', shape: [1, 4095, 588], data: new Uint8Array(4095 * 588) },
      ],
    })
    const response = await app.request(INFER, { method: 'POST', headers, body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'tensor.invalid', param: 'patches' })
  })

  it('refuses a body beyond the limit by its announced size', async () => {
    const { app } = createFixture()
    const headers = { 'content-length': String(9 * 1024 * 1024) }
    const response = await app.request(INFER, { method: 'POST', headers, body: 'x' })
    expect([response.status, await response.json()]).toEqual([
      413,
      expect.objectContaining({ code: 'request.too_large' }),
    ])
  })

  it('refuses a body beyond the limit that announced no size', async () => {
    const { app } = createFixture()
    const piece = new Uint8Array(1024 * 1024)
    let sent = 0
    const body = new ReadableStream({ pull: (c) => (sent++ < 100 ? c.enqueue(piece) : c.close()) })
    const response = await app.request(INFER, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(response.status).toBe(413)
    expect(sent).toBeLessThan(20)
  })

  it('counts a size that is no number as the largest, and gives it back', async () => {
    const { app, bodies } = createFixture()
    const headers = { 'content-length': 'x' }
    expect((await app.request(INFER, { method: 'POST', headers, body: '{' })).status).toBe(400)
    expect(bodies.held).toBe(0)
  })

  it('refuses new work while it drains', async () => {
    const { app, setState } = createFixture()
    setState('draining')
    for (const path of [INFER, STREAM]) {
      const response = await app.request(path, question())
      expect(response.status).toBe(503)
      expect(await response.json()).toMatchObject({ code: 'worker.unavailable' })
    }
  })

  it('starts nothing for a body that was still on its way when the engine closed', async () => {
    const { app, model, served } = createFixture()
    await served.engine.close(new AppError('worker.unavailable', 'closed'))
    for (const path of [INFER, STREAM]) {
      const response = await app.request(path, question())
      expect([response.status, await response.json()]).toEqual([503, expect.objectContaining({ error: 'closed' })])
    }
    expect(model.steps.prefill).toBe(0)
  })

  it('hides what an internal fault says, and logs it', async () => {
    const { app, model, logged } = createFixture()
    model.hold = () => Promise.reject(new Error('secret path'))
    const response = await app.request(INFER, question())
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(logged.find(({ event }) => event === 'request')?.fields['failure']).toMatchObject({
      cause: { message: 'secret path' },
    })
  })
})
