import { describe, expect, it, vi } from 'vitest'
import {
  decodeGenerateRequest,
  decodeGenerateResponse,
  decodeVisionRequest,
  encodeGenerateRequest,
  encodeGenerateResponse,
  PICTURE_BYTES,
} from './generate.ts'
import type { GenerateSummary } from './generate-parameters.ts'
import { encodeInferRequest } from './infer-codec.ts'
import { HEADER_LENGTH_HEADER } from './paths.ts'
import type { OipTensor } from './tensor.ts'

const digest = 'ab'.repeat(32)
const ids: OipTensor = { name: 'input_ids', datatype: 'INT32', shape: [1], data: Int32Array.of(2) }
const summary: GenerateSummary = {
  finish_reason: 'stop',
  prompt_tokens: 1,
  completion_tokens: 2,
  image_tokens: 0,
  cached_tokens: 0,
  images_cached: 0,
}

const received = ({ headers, body }: ReturnType<typeof encodeInferRequest>) => ({
  headerLength: headers[HEADER_LENGTH_HEADER],
  body,
})
const decode = (inputs: readonly OipTensor[], parameters?: Record<string, unknown>) =>
  decodeGenerateRequest(received(encodeInferRequest({ inputs, parameters })))

describe('generate requests', () => {
  it('come back as they were sent', () => {
    const picture = new Uint8Array(PICTURE_BYTES).fill(7)
    const request = {
      id: 'r1',
      inputIds: Int32Array.of(2, 105),
      imageDigests: [digest],
      patches: [picture],
      parameters: { max_tokens: 5, temperature: 0, stop_token_ids: [106], tenant: 'a' },
    }
    const back = decodeGenerateRequest(received(encodeGenerateRequest(request)))
    expect(back).toEqual({ ...request, answerAs: 'json' })
  })

  it('copy their pictures once, into the body', () => {
    const patches = [1, 2].map((byte) => new Uint8Array(PICTURE_BYTES).fill(byte))
    const typedArray: Uint8Array = Object.getPrototypeOf(Uint8Array.prototype)
    const set = vi.spyOn(typedArray, 'set')
    try {
      encodeGenerateRequest({ inputIds: Int32Array.of(2), imageDigests: [], patches, parameters: {} })
      const copied = set.mock.calls.map(([source]) => source.length).filter((length) => length >= PICTURE_BYTES)
      expect(copied).toEqual([PICTURE_BYTES, PICTURE_BYTES])
    } finally {
      set.mockRestore()
    }
  })

  it('as JSON have the elements of all pictures in one row', () => {
    const pieces = [Uint8Array.of(1, 2), Uint8Array.of(3)]
    const { body } = encodeInferRequest({ inputs: [{ name: 'p', datatype: 'UINT8', shape: [3], pieces }] }, 'json')
    expect(JSON.parse(new TextDecoder().decode(body))).toMatchObject({ inputs: [{ shape: [3], data: [1, 2, 3] }] })
    const wrong = { name: 'p', datatype: 'UINT8', shape: [4], pieces } as const
    expect(() => encodeInferRequest({ inputs: [wrong] })).toThrow('shape [4] expects 4 elements, found 3.')
  })

  it('take digests as hexadecimal text too', () => {
    const data = [new TextEncoder().encode(digest.toUpperCase())]
    expect(decode([ids, { name: 'image_digests', datatype: 'BYTES', shape: [1], data }]).imageDigests).toEqual([digest])
  })

  it('ask for a binary answer with binary_data_output', () => {
    expect(decode([ids], { binary_data_output: true }).answerAs).toBe('binary')
  })

  it.each<{ name: string; inputs: OipTensor[]; says: RegExp }>([
    { name: 'no input_ids', inputs: [], says: /"input_ids": expected INT32 \[t\], found no such tensor/ },
    { name: 'input_ids of two axes', inputs: [{ ...ids, shape: [1, 1] }], says: /found INT32 \[1, 1\]/ },
    { name: 'input_ids twice', inputs: [ids, ids], says: /given twice/ },
    { name: 'an unknown input', inputs: [ids, { ...ids, name: 'pixels' }], says: /"pixels": expected one of/ },
    {
      name: 'a digest of the wrong length',
      inputs: [ids, { name: 'image_digests', datatype: 'BYTES', shape: [1], data: [new Uint8Array(31)] }],
      says: /expected 32 bytes for a digest, found 31/,
    },
    {
      name: 'patches of the wrong shape',
      inputs: [ids, { name: 'patches', datatype: 'UINT8', shape: [1, 2], data: new Uint8Array(2) }],
      says: /expected UINT8 \[k, 4096, 588\], found UINT8 \[1, 2\]/,
    },
  ])('refuse $name', ({ inputs, says }) => {
    expect(() => decode(inputs)).toThrow(says)
  })

  it.each([
    ['max_tokens', 0],
    ['temperature', -1],
    ['top_p', 0],
    ['top_k', 1.5],
    ['stop_token_ids', [-1]],
    ['logprobs', 'yes'],
    ['top_logprobs', 21],
    ['min_p', 1.1],
    ['repetition_penalty', 0],
    ['presence_penalty', 101],
    ['frequency_penalty', -101],
    ['logit_bias', { x: 1 }],
    ['logit_bias', { 1: 101 }],
    ['n', 129],
    ['first_position', -1],
    ['grammar', { type: 'xml' }],
    ['grammar', { type: 'regex', pattern: '' }],
    ['grammar', { type: 'choice', choices: [] }],
    ['grammar', { type: 'ebnf', grammar: 'x'.repeat(65_537) }],
    ['grammar', { type: 'choice', choices: ['x'.repeat(40_000), 'y'.repeat(40_000)] }],
  ])('refuse the parameter %s = %j', (parameter, value) => {
    expect(() => decode([ids], { [parameter]: value })).toThrow(new RegExp(`^parameters.${parameter}`))
  })
})

it.each(['{"type":"json_object"}', '{"type":"json_schema","schema":"{}"}', '{"type":"choice","choices":["a","b"]}'])(
  'grammars pass: %s',
  (text) => {
    const grammar = JSON.parse(text)
    expect(decode([ids], { grammar }).parameters.grammar).toEqual(grammar)
  },
)

it('biases are counted before they are looked at', () => {
  const logit_bias = Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 'x']))
  expect(() => decode([ids], { logit_bias })).toThrow('parameters.logit_bias: expected at most 1024 tokens')
})

it('stop ids are counted before they are looked at', () => {
  const parameters = { stop_token_ids: Array(65).fill('') }
  expect(() => decode([ids], parameters)).toThrow('parameters.stop_token_ids: Too big')
})

describe('vision requests', () => {
  it('need at least one picture', () => {
    expect(() => decodeVisionRequest(received(encodeInferRequest({ inputs: [] })))).toThrow(/k at least 1/)
  })
})

const choice = { finish_reason: 'length', completion_tokens: 1 } as const

describe('generate answers', () => {
  it.each(['binary', 'json'] as const)('come back as they were sent (%s)', (encoding) => {
    const answer = {
      model_name: 'm',
      id: 'r',
      outputIds: Int32Array.of(4, 5),
      logprobs: Float32Array.of(-0.5, -1),
      topIds: Int32Array.of(4, 6, 7, 5),
      topLogprobs: Float32Array.of(-0.5, -2, -0.25, -1),
      summary: { ...summary, choices: [choice, choice] },
    }
    const { headers, body } = encodeGenerateResponse(answer, encoding)
    expect(decodeGenerateResponse({ headerLength: headers[HEADER_LENGTH_HEADER], body })).toEqual(answer)
  })

  it.each([
    '{',
    '{"outputs":[]}',
    '{"model_name":"m","outputs":[{"name":"x","datatype":"INT32","shape":[1],"data":[]}]}',
  ])('are a fault of the worker when they are unreadable: %s', (text) => {
    const message = { headerLength: null, body: new TextEncoder().encode(text) }
    expect(() => decodeGenerateResponse(message)).toThrow(expect.objectContaining({ code: 'worker.lost' }))
  })

  it('need output_ids', () => {
    const body = new TextEncoder().encode('{"model_name":"m","outputs":[]}')
    expect(() => decodeGenerateResponse({ headerLength: null, body })).toThrow(/without output_ids/)
  })
})
