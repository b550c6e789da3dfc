import { describe, expect, it } from 'vitest'
import { AppError, ERRORS, type ErrorCode, fromOipError, oipError, openAiError, retryHeaders } from './index.ts'

const CODES = Object.keys(ERRORS) as ErrorCode[]

describe('the catalog', () => {
  it.each(CODES)('%s has an HTTP status of a failure and a sentence as its title', (code) => {
    expect(ERRORS[code].status).toBeGreaterThanOrEqual(400)
    expect(ERRORS[code].status).toBeLessThan(600)
    expect(ERRORS[code].title).toMatch(/^[A-Z].*\.$/)
  })

  it('sheds load with 429, never with a 5xx that would eject the worker from a balancer', () => {
    expect(ERRORS['queue.full']).toMatchObject({ status: 429, retry: 'later' })
  })
})

describe('AppError', () => {
  it('turns anything thrown into an error of the catalog', () => {
    const cause = new TypeError('secret path /etc/shadow')
    expect(AppError.from(cause)).toMatchObject({ code: 'internal', cause })
    const known = new AppError('image.empty')
    expect(AppError.from(known)).toBe(known)
  })

  it('is recognised across copies of the package', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('loupe.AppError')]: true })
    expect(AppError.isInstance(foreign)).toBe(true)
    expect(AppError.isInstance(new Error('x'))).toBe(false)
    expect(AppError.isInstance(null)).toBe(false)
  })

  it('keeps the innermost param when it is pointed at a part of the request', () => {
    const inner = new AppError('image.malformed', 'bad', { param: 'a', facts: { n: 1 }, retryAfterMs: 5 })
    expect(inner.at('b')).toMatchObject({ param: 'a', facts: { n: 1 }, retryAfterMs: 5, detail: 'bad' })
    expect(new AppError('image.malformed').at('b').param).toBe('b')
  })
})

describe('openAiError', () => {
  it('has message, type, param and code, all present', () => {
    const error = new AppError('request.invalid', 'temperature: expected a number', { param: 'temperature' })
    expect(openAiError(error)).toEqual({
      error: {
        message: 'temperature: expected a number',
        type: 'invalid_request_error',
        param: 'temperature',
        code: 'request.invalid',
      },
    })
  })

  it('uses the code that OpenAI uses where there is one', () => {
    expect(openAiError(new AppError('model.unknown')).error.code).toBe('model_not_found')
    expect(openAiError(new AppError('prompt.too_long')).error.code).toBe('context_length_exceeded')
    expect(openAiError(new AppError('auth.invalid')).error).toMatchObject({ code: 'invalid_api_key', param: null })
  })

  it.each(['internal', 'runtime.failed', 'weights.invalid', 'graph.shape_mismatch'] as const)(
    'shows nothing of a fault of our own: %s',
    (code) => {
      const error = new AppError(code, 'open /etc/shadow', { cause: new Error('secret') })
      expect(JSON.stringify([openAiError(error), oipError(error)])).not.toMatch(/shadow|secret/)
      expect(openAiError(error).error.message).toBe(ERRORS[code].title)
    },
  )
})

describe('the worker error on the wire', () => {
  it.each(CODES.filter((code) => !new AppError(code).entry.isPrivate))('%s survives the way to the edge', (code) => {
    const error = new AppError(code, 'detail', { param: 'p', facts: { missing: ['ab'] } })
    expect(fromOipError(oipError(error))).toMatchObject({
      code,
      detail: 'detail',
      param: 'p',
      facts: { missing: ['ab'] },
    })
  })

  it.each([null, 'oops', {}, { code: 'nope' }, { code: 'toString', error: 'x' }, { code: 7 }])(
    'an unknown error %j becomes worker.lost',
    (body) => {
      expect(fromOipError(body).code).toBe('worker.lost')
    },
  )
})

describe('retryHeaders', () => {
  it('forbids a retry that cannot help', () => {
    expect(retryHeaders(new AppError('image.malformed'))).toEqual({ 'x-should-retry': 'false' })
  })

  it('forbids a retry of what may be tried later in general, when no wait helps', () => {
    const error = new AppError('rate.limited', '', { retryAfterMs: Number.POSITIVE_INFINITY })
    expect(retryHeaders(error)).toEqual({ 'x-should-retry': 'false' })
  })

  it('says when to come back, in seconds and in milliseconds', () => {
    expect(retryHeaders(new AppError('queue.full', '', { retryAfterMs: 1500 }))).toEqual({
      'retry-after': '2',
      'retry-after-ms': '1500',
    })
  })
})
