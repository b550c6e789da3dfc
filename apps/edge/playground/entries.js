/**
 * A question and the place for its answer, put on top of the list.
 *
 * @param {HTMLElement} list
 * @param {string} question
 * @param {readonly string[]} previews - addresses of the pictures
 */
export function addEntry(list, question, previews) {
  const item = document.createElement('li')
  const answer = paragraph('answer')
  const measure = paragraph('measure')
  item.append(askedLine(question, previews), answer, measure)
  answer.ariaBusy = 'true'
  list.prepend(item)

  return {
    /** @param {AsyncIterable<import('./ask.js').AnswerPart>} parts */
    async show(parts) {
      const startMs = performance.now()
      let firstMs = 0
      for await (const part of parts) {
        const sinceMs = performance.now() - startMs
        if ('text' in part) {
          firstMs ||= sinceMs
          answer.append(part.text)
        } else measure.textContent = measured(part.usage, firstMs || sinceMs, sinceMs)
      }
    },
    text: () => answer.textContent ?? '',
    finish() {
      answer.ariaBusy = 'false'
      if (answer.textContent === '') answer.hidden = true
    },
    /** @param {string} why */
    end(why) {
      measure.textContent = why
    },
    fail() {
      if (answer.textContent === '') item.remove()
      else measure.textContent = 'Broke off.'
    },
  }
}

/**
 * @param {string} question
 * @param {readonly string[]} previews
 */
function askedLine(question, previews) {
  const line = paragraph('asked')
  for (const preview of previews.slice(0, 3)) {
    const image = document.createElement('img')
    image.src = preview
    image.alt = ''
    line.append(image)
  }
  line.append(question)
  return line
}

/** @param {string} kind */
function paragraph(kind) {
  const made = document.createElement('p')
  made.className = kind
  return made
}

/**
 * @param {{ prompt_tokens: number, completion_tokens: number }} usage
 * @param {number} firstMs
 * @param {number} totalMs
 */
function measured({ prompt_tokens, completion_tokens }, firstMs, totalMs) {
  return `${seconds(firstMs)} to the first word, ${seconds(totalMs)} in all · ${prompt_tokens} + ${completion_tokens} tokens`
}

/** @param {number} ms */
function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`
}
