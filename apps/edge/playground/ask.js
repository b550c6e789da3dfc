/**
 * The API as the page uses it. Knows no DOM.
 *
 * @typedef {{ text: string } | { usage: { prompt_tokens: number, completion_tokens: number } }} AnswerPart
 * @typedef {{ model: string, key: string, question: string, pictures: readonly string[], signal: AbortSignal }} Asking
 */

/** A failure as the API tells it. */
export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string, requestId?: string | null }} facts
   */
  constructor(message, { status = 0, code = '', requestId = null } = {}) {
    super(message)
    this.status = status
    this.code = code
    this.requestId = requestId
  }
}

/**
 * The names of the models that are served.
 *
 * @param {string} key
 * @returns {Promise<string[]>}
 */
export async function listModels(key) {
  const reply = await send('/v1/models', key, {})
  const { data } = await reply.json()
  return data.map((/** @type {{ id: string }} */ { id }) => id)
}

/**
 * Asks about pictures and yields the answer as it is made.
 *
 * @param {Asking} asking - pictures are `data:` URIs
 * @returns {AsyncGenerator<AnswerPart, void>}
 */
export async function* ask({ model, key, question, pictures, signal }) {
  const images = pictures.map((url) => ({ type: 'image_url', image_url: { url } }))
  const body = {
    model,
    messages: [{ role: 'user', content: [...images, { type: 'text', text: question }] }],
    stream: true,
    stream_options: { include_usage: true },
  }
  const reply = await send('/v1/chat/completions', key, { method: 'POST', body: JSON.stringify(body), signal })
  for await (const data of eventData(reply)) {
    if (data === '[DONE]') return
    const { error, choices, usage } = JSON.parse(data)
    if (error) throw apiError({ error }, reply)
    const text = choices[0]?.delta.content
    if (text) yield { text }
    if (usage) yield { usage }
  }
  throw new ApiError('The answer broke off.', { requestId: reply.headers.get('x-request-id') })
}

/**
 * @param {string} path
 * @param {string} key
 * @param {RequestInit} init
 */
async function send(path, key, init) {
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` }
  const headers = { 'content-type': 'application/json', ...authorization }
  const reply = await fetch(path, { ...init, headers }).catch((/** @type {Error} */ cause) => {
    if (cause.name === 'AbortError') throw cause
    throw new ApiError('The server cannot be reached.')
  })
  if (!reply.ok) throw apiError(await reply.json().catch(() => ({})), reply)
  return reply
}

/**
 * @param {{ error?: { message: string, code: string } }} body
 * @param {Response} reply
 */
function apiError({ error }, { status, headers }) {
  const message = error?.message ?? `The server answered ${status}.`
  return new ApiError(message, { status, code: error?.code ?? '', requestId: headers.get('x-request-id') })
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
