import { ApiError } from './ask.js'
import { button, make } from './elements.js'

/**
 * Shows a failure: what happened, what to do, its code and the id of the request.
 *
 * @param {HTMLElement} place - an alert
 * @param {() => void} retry
 */
export function createFaults(place, retry) {
  return {
    /** @param {unknown} thrown */
    show(thrown) {
      const error =
        thrown instanceof ApiError ? thrown : new ApiError(thrown instanceof Error ? thrown.message : `${thrown}`)
      const advice = adviceFor(error)
      const facts = [error.code, error.requestId, error.limits].filter(Boolean).join(' · ')
      place.replaceChildren(
        make('p', 'what', error.message),
        ...(advice === '' ? [] : [make('p', '', advice)]),
        ...(facts === '' ? [] : [make('code', '', facts)]),
        ...(canRetry(error) ? [button('Try again', retry)] : []),
      )
      place.hidden = false
      // Once the turn above it has its last words too.
      requestAnimationFrame(() => place.scrollIntoView({ block: 'nearest' }))
    },
    clear() {
      place.hidden = true
      place.replaceChildren()
    },
  }
}

/** @param {ApiError} error */
function canRetry({ status, retryAfterS }) {
  return retryAfterS !== undefined || status >= 500
}

/** @param {ApiError} error */
function adviceFor({ status, code, retryAfterS }) {
  if (retryAfterS !== undefined) return `It can be tried again in ${retryAfterS} s.`
  if (status === 401) return 'Enter a valid key under Settings.'
  if (status === 403) return 'The key is valid, but not for this. Ask whoever made it for the scope.'
  if (status === 413) return 'Send fewer or smaller pictures.'
  if (code === 'insufficient_quota') return 'The quota of the key is used up. Ask whoever made it for more.'
  if (code === 'prompt.too_long' || code === 'context_length_exceeded')
    return 'Start a new chat, or ask for a shorter answer.'
  if (code.startsWith('image.')) return 'Remove the picture, or save it anew as JPEG or PNG.'
  if (status === 400) return 'Change what it names, and ask again.'
  return ''
}
