import { ApiError, count } from './ask.js'
import { cost } from './request.js'

const WAIT_MS = 450

/**
 * What the question would cost, told while it is written.
 *
 * @param {HTMLElement} place
 * @param {{ settings: ReturnType<typeof import('./settings.js').createSettings>, key: () => string,
 *   hasDraft: () => boolean, draft: () => Promise<Record<string, unknown>> | undefined }} source - no draft: there is nothing to ask yet
 */
export function createEstimate(place, { settings, key, hasDraft, draft }) {
  let running = new AbortController()
  let timer = 0

  /** @param {AbortSignal} signal */
  async function tell(signal) {
    try {
      const body = await draft()
      if (body === undefined || body['model'] === '') return show('')
      const told = await count(body, { key: key(), signal })
      if (!signal.aborted) show(sentence(told, settings.read()), !told.fits)
    } catch (error) {
      if (signal.aborted) return
      show(error instanceof ApiError && error.status === 401 ? '' : `Cannot be asked: ${words(error)}`, true)
    }
  }

  /** @param {string} text @param {boolean} [isFault] */
  function show(text, isFault = false) {
    place.textContent = text
    place.classList.toggle('is-fault', isFault)
  }

  return {
    refresh() {
      if (!hasDraft()) show('')
      running.abort()
      running = new AbortController()
      clearTimeout(timer)
      const { signal } = running
      timer = setTimeout(() => void tell(signal), WAIT_MS)
    },
  }
}

/**
 * @param {import('./ask.js').TokenCount} told
 * @param {import('./request.js').Settings} settings
 */
function sentence({ input_tokens, image_tokens, images, fits, max_answer_tokens, context_length }, settings) {
  const pictures = images > 0 ? ` (${image_tokens} for ${images === 1 ? '1 picture' : `${images} pictures`})` : ''
  if (!fits) return `${input_tokens} tokens${pictures}: with the answer more than the ${context_length} that fit`
  const output = Math.min(Number(settings.max_tokens) || max_answer_tokens, max_answer_tokens)
  const least = cost(settings, { input: input_tokens, output: 0 })
  const most = cost(settings, { input: input_tokens, output })
  return `${input_tokens} tokens${pictures}${least === '' ? '' : ` · ${least} to ask, at most ${most} with the answer`}`
}

/** @param {unknown} error */
function words(error) {
  return error instanceof Error ? error.message : `${error}`
}
