/**
 * Markdown as elements. Whatever the text says, only the elements below are made, and all words go in as text: nothing
 * of an answer is ever read as HTML, and links stay words.
 */

const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])/g

/**
 * @param {string} text
 * @returns {DocumentFragment}
 */
export function renderMarkdown(text) {
  const whole = document.createDocumentFragment()
  const lines = text.split('\n')
  while (lines.length > 0) {
    const block = takeCode(lines) ?? takeHeading(lines) ?? takeList(lines) ?? takeParagraph(lines)
    if (block) whole.append(block)
  }
  return whole
}

/**
 * Text as it is, in one block.
 *
 * @param {string} text
 */
export function codeBlock(text) {
  const block = document.createElement('pre')
  // It may be wider than the page: the keyboard has to reach it to scroll.
  block.tabIndex = 0
  block.append(element('code', [text]))
  return block
}

/** @param {string[]} lines */
function takeCode(lines) {
  if (!lines[0]?.startsWith('```')) return undefined
  lines.shift()
  const end = lines.findIndex((line) => line.startsWith('```'))
  // A block that has no end yet is still being written.
  const inside = lines.splice(0, end < 0 ? lines.length : end)
  lines.shift()
  return codeBlock(inside.join('\n'))
}

/** @param {string[]} lines */
function takeHeading(lines) {
  const found = /^#{1,6}\s+(.*)/.exec(lines[0] ?? '')
  if (!found) return undefined
  lines.shift()
  const heading = element('p', inline(found[1] ?? ''))
  heading.className = 'heading'
  return heading
}

/** @param {string[]} lines */
function takeList(lines) {
  const mark = /^\s{0,3}[-*+]\s+/.test(lines[0] ?? '') ? /^\s*[-*+]\s+/ : /^\s*\d{1,9}[.)]\s+/
  if (!mark.test(lines[0] ?? '')) return undefined
  const list = document.createElement(mark.source.includes('d{1,9}') ? 'ol' : 'ul')
  if (list instanceof HTMLOListElement) list.start = Number.parseInt(lines[0] ?? '', 10)
  while (mark.test(lines[0] ?? '')) list.append(element('li', inline((lines.shift() ?? '').replace(mark, ''))))
  return list
}

/** @param {string[]} lines */
function takeParagraph(lines) {
  const taken = [lines.shift() ?? '']
  while (lines[0]?.trim() && !/^(```|#{1,6}\s|\s*[-*+]\s|\s*\d{1,9}[.)]\s)/.test(lines[0]))
    taken.push(lines.shift() ?? '')
  const words = taken.join('\n').trim()
  return words === '' ? undefined : element('p', inline(words))
}

/**
 * @param {string} text
 * @returns {(string | Node)[]}
 */
function inline(text) {
  /** @type {(string | Node)[]} */
  const parts = []
  let from = 0
  for (const { 0: whole, 1: code, 2: strong, 3: soft, index } of text.matchAll(INLINE)) {
    parts.push(text.slice(from, index))
    if (code !== undefined) parts.push(element('code', [code]))
    else if (strong !== undefined) parts.push(element('strong', [strong]))
    else parts.push(element('em', [soft ?? '']))
    from = index + whole.length
  }
  return [...parts, text.slice(from)]
}

/**
 * @param {string} name
 * @param {readonly (string | Node)[]} inside
 */
function element(name, inside) {
  const made = document.createElement(name)
  made.append(...inside)
  return made
}
