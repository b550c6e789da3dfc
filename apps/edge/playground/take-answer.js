import { measured } from './turns.js'

/**
 * Takes in an answer as it is made.
 *
 * @param {import('./chat.js').Turn} turn
 * @param {AsyncIterable<import('./ask.js').AnswerPart>} parts
 * @param {number} tokensPerImage - of the model
 */
export async function takeAnswer(turn, parts, tokensPerImage) {
  const startMs = performance.now()
  let firstMs = 0
  let lastMs = 0
  /** @type {string[]} */
  const notes = []
  for await (const part of parts) {
    const sinceMs = performance.now() - startMs
    if ('text' in part) {
      firstMs ||= sinceMs
      lastMs = sinceMs
      turn.answer += part.text
      turn.view.draw(() => turn.answer, turn.isJson)
    } else if ('finish' in part) {
      if (part.finish === 'length') notes.push('cut off by the length')
    } else if ('usage' in part) {
      turn.facts.push(...measured(part.usage, { firstMs: firstMs || sinceMs, totalMs: lastMs, tokensPerImage }))
    } else notes.push(part.terms.requestId, part.terms.limits, part.terms.warning)
  }
  turn.facts.push(...notes.filter(Boolean))
}
