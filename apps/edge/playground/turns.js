import { make } from './elements.js'
import { codeBlock, renderMarkdown } from './markdown.js'

/** @typedef {import('./pictures.js').Picture} Picture */

/**
 * A question and the place for its answer.
 *
 * @param {string} question
 * @param {readonly Picture[]} pictures
 * @param {(picture: Picture) => void} onLook
 */
export function createTurn(question, pictures, onLook) {
  const answer = make('div', 'answer')
  const facts = make('p', 'facts')
  const actions = make('div', 'actions')
  const shown = pictures.map((picture) => {
    const image = make('img', '')
    image.src = picture.preview
    image.alt = picture.name
    const look = make('button', 'look', image)
    look.type = 'button'
    look.ariaLabel = `What the model sees of ${picture.name}`
    look.addEventListener('click', () => onLook(picture))
    return look
  })
  const asked = make('div', 'asked', make('div', 'asked-pictures', ...shown), make('p', '', question))
  const item = make('li', 'turn', asked, answer, facts, actions)
  let isDrawing = false

  return {
    item,
    actions,
    /**
     * Shows the answer so far, at most once a frame.
     *
     * @param {() => string} text
     * @param {boolean} isJson
     */
    draw(text, isJson) {
      if (isDrawing) return
      isDrawing = true
      requestAnimationFrame(() => {
        isDrawing = false
        answer.replaceChildren(isJson ? codeBlock(text()) : renderMarkdown(text()))
      })
    },
    begin() {
      answer.replaceChildren()
      facts.replaceChildren()
      answer.ariaBusy = 'true'
      item.scrollIntoView({ block: 'nearest' })
    },
    /** @param {readonly string[]} told */
    end(told) {
      answer.ariaBusy = 'false'
      this.tell(told)
    },
    /** @param {readonly string[]} told */
    tell(told) {
      facts.replaceChildren(...told.map((fact) => make('span', '', fact)))
    },
  }
}

/**
 * What an answer took.
 *
 * @param {import('./ask.js').Usage} usage
 * @param {{ firstMs: number, totalMs: number, tokensPerImage: number }} times
 * @returns {string[]}
 */
export function measured(usage, { firstMs, totalMs, tokensPerImage }) {
  const { prompt_tokens, completion_tokens, prompt_tokens_details } = usage
  const { cached_tokens: cached = 0, image_tokens: image = 0 } = prompt_tokens_details ?? {}
  // The first token ends the wait: what follows was made in the time after it.
  const rate = completion_tokens > 1 && totalMs > firstMs ? ((completion_tokens - 1) * 1000) / (totalMs - firstMs) : 0
  const facts = [
    `${seconds(firstMs)} to the first token`,
    ...(rate > 0 ? [`${rate.toFixed(rate < 10 ? 1 : 0)} tokens/s`] : []),
    `${prompt_tokens} + ${completion_tokens} tokens`,
    ...(image > 0 ? [`${image} of pictures`] : []),
    `${cached} cached`,
  ]
  const known = knownPictures({ cached, text: prompt_tokens - image }, tokensPerImage)
  return known > 0 ? [...facts, known === 1 ? 'picture known' : `${known} pictures known`] : facts
}

/**
 * Cached tokens that cannot all be text are those of pictures, and a picture is cached as a whole.
 *
 * @param {{ cached: number, text: number }} tokens
 * @param {number} tokensPerImage
 */
function knownPictures({ cached, text }, tokensPerImage) {
  return tokensPerImage > 0 ? Math.ceil(Math.max(0, cached - text) / tokensPerImage) : 0
}

/** @param {number} ms */
function seconds(ms) {
  return ms < 100 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(2)} s`
}
