/** Finding and making elements. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} called ${id}`)
  return found
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} kind - its class
 * @param {...(string | Node)} inside
 */
export function make(name, kind, ...inside) {
  const made = document.createElement(name)
  if (kind !== '') made.className = kind
  made.append(...inside)
  return made
}

/**
 * @param {string} words
 * @param {() => void} act
 * @param {string} [label] - for those who do not see where it stands
 */
export function button(words, act, label) {
  const made = make('button', 'plain', words)
  made.type = 'button'
  if (label !== undefined) made.ariaLabel = label
  made.addEventListener('click', act)
  return made
}
