/**
 * The API as the page uses it. Knows no DOM.
 *
 * @typedef {{ prompt_tokens: number, completion_tokens: number,
 *   prompt_tokens_details?: { cached_tokens: number, image_tokens: number } }} Usage
 * @typedef {{ requestId: string, limits: string, warning: string }} Terms - what the headers of an answer tell
 * @typedef {{ text: string } | { usage: Usage } | { finish: string } | { terms: Terms }} AnswerPart
 * @typedef {{ input_tokens: number, image_tokens: number, images: number, context_length: number, fits: boolean,
 *   max_answer_tokens: number }} TokenCount
 * @typedef {{ kind: 'whole' | 'crop', width: number, height: number, digest: string, png: string }} View
 * @typedef {{ key: string, signal?: AbortSignal }} Caller
 */

/** A failure as the API tells it. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string, requestId?: string | null, retryAfter?: string | null, limits?: string }} facts
   */
  constructor(message, { status = 0, code = '', requestId = null, retryAfter = null, limits = '' } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.requestId = requestId
    /** Seconds until it is worth trying again; undefined when the server does not say. */
    this.retryAfterS = retryAfter === null ? undefined : Number(retryAfter)
    this.limits = limits
  }
}

/**
 * The models that are served.
 *
 * @param {string} key
 * @returns {Promise<{ id: string, tokens_per_image: number }[]>}
 */
export async function listModels(key) {
  const reply = await send('/v1/models', { key })
  return (await reply.json()).data
}

/**
 * What a request would cost.
 *
 * @param {Record<string, unknown>} body - of a chat request
 * @param {Caller} caller
 * @returns {Promise<TokenCount>}
 */
export async function count(body, caller) {
  return (await send('/v1/count', caller, body)).json()
}

/**
 * What the model sees of a picture.
 *
 * @param {{ model: string, image: string, detail: string }} body
 * @param {Caller} caller
 * @returns {Promise<View[]>}
 */
export async function preview(body, caller) {
  return (await (await send('/v1/preview', caller, body)).json()).views
}

/**
 * Asks and yields the answer as it is made.
 *
 * @param {Record<string, unknown>} body - of a chat request
 * @param {Caller} caller
 * @returns {AsyncGenerator<AnswerPart, void>}
 */
export async function* ask(body, caller) {
  const streamed = { ...body, stream: true, stream_options: { include_usage: true } }
  const reply = await send('/v1/chat/completions', caller, streamed)
  const requestId = reply.headers.get('x-request-id') ?? ''
  yield { terms: { requestId, limits: limitsOf(reply.headers), warning: reply.headers.get('x-loupe-warning') ?? '' } }
  for await (const data of eventData(reply)) {
    if (data === '[DONE]') return
    const { error, choices, usage } = JSON.parse(data)
    if (error) throw apiError({ error }, reply)
    const { delta, finish_reason: finish } = choices[0] ?? {}
    if (delta?.content) yield { text: delta.content }
    if (finish) yield { finish }
    if (usage) yield { usage }
  }
  throw new ApiError('The answer broke off.', { requestId })
}

/**
 * @param {string} path
 * @param {Caller} caller
 * @param {unknown} [body] - sent as JSON; without one it is a GET
 */
async function send(path, { key, signal }, body) {
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  const posted = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const reply = await fetch(path, { headers, ...posted, ...(signal ? { signal } : {}) }).catch(
    (/** @type {Error} */ cause) => {
      if (cause.name === 'AbortError') throw cause
      throw new ApiError('The server cannot be reached.')
    },
  )
  if (!reply.ok) throw apiError(await reply.json().catch(() => ({})), reply)
  return reply
}

/**
 * @param {{ error?: { message: string, code: string } }} body
 * @param {Response} reply
 */
function apiError({ error }, { status, headers }) {
  return new ApiError(error?.message ?? `The server answered ${status}.`, {
    status: status === 200 ? 0 : status,
    code: error?.code ?? '',
    requestId: headers.get('x-request-id'),
    retryAfter: headers.get('retry-after'),
    limits: limitsOf(headers),
  })
}

/**
 * What is left of the limits of the key.
 *
 * @param {Headers} headers
 */
function limitsOf(headers) {
  const told = ['requests', 'tokens'].map((what) => {
    const left = headers.get(`x-ratelimit-remaining-${what}`)
    const reset = headers.get(`x-ratelimit-reset-${what}`)
    return left === null ? '' : `${left} of ${headers.get(`x-ratelimit-limit-${what}`)} ${what} left, whole in ${reset}`
  })
  return told.filter(Boolean).join(' · ')
}

/**
 * The `data:` lines of an event stream. The API sends one line an event; comments are pings.
 *
 * @param {Response} reply
 * @returns {AsyncGenerator<string, void>}
 */
async function* eventData(reply) {
  const reader = reply.body?.getReader()
  if (!reader) return
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + decoder.decode(value, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) yield line.slice('data: '.length)
    }
  } finally {
    await reader.cancel().catch(() => undefined) // already broken: the fault itself is on its way up
  }
}
