import { preview } from './ask.js'
import { byId, make } from './elements.js'
import { toDataUri } from './pictures.js'
import { snippet } from './snippets.js'

/**
 * The window that shows what the model sees of a picture.
 *
 * @param {() => { model: string, detail: string, key: string }} terms
 */
export function createViewDialog(terms) {
  const dialog = byId('view-dialog', HTMLDialogElement)
  const hint = byId('view-hint', HTMLElement)
  const views = byId('views', HTMLElement)
  let running = new AbortController()
  /** @type {string[]} */
  let addresses = []

  dialog.addEventListener('close', () => {
    running.abort()
    for (const address of addresses) URL.revokeObjectURL(address)
    addresses = []
    views.replaceChildren()
  })

  /** @param {import('./ask.js').View} view @param {number} index */
  function figure({ kind, width, height, digest, png }, index) {
    const image = make('img', '')
    image.width = width
    image.height = height
    image.src = URL.createObjectURL(
      new Blob([Uint8Array.from(atob(png), (c) => c.charCodeAt(0))], { type: 'image/png' }),
    )
    addresses.push(image.src)
    const name = kind === 'whole' ? 'Whole picture' : `Crop ${index}`
    image.alt = name
    return make('figure', '', image, make('figcaption', '', name, make('code', '', digest.slice(0, 12))))
  }

  /** @param {import('./pictures.js').Picture} picture */
  return async function look({ name, file }) {
    running = new AbortController()
    const { signal } = running
    hint.textContent = 'Looking.'
    dialog.showModal()
    try {
      const { model, detail, key } = terms()
      const seen = await preview({ model, detail, image: await toDataUri(file) }, { key, signal })
      if (signal.aborted) return
      views.replaceChildren(...seen.map(figure))
      const crops = seen.length > 1 ? ` and ${seen.length - 1} crops` : ''
      const size = `${seen[0]?.width} × ${seen[0]?.height} pixels`
      hint.textContent = `${name} as the model gets it with detail ${detail}: the whole picture${crops}, ${size}${crops && ' each'}.`
    } catch (error) {
      if (!signal.aborted) hint.textContent = error instanceof Error ? error.message : `${error}`
    }
  }
}

/** The window that shows a request as code. */
export function createCodeDialog() {
  const dialog = byId('code-dialog', HTMLDialogElement)
  const source = byId('source', HTMLElement)
  // It may be wider than the window: the keyboard has to reach it to scroll.
  source.tabIndex = 0
  const copied = byId('copied', HTMLElement)
  const languages = byId('languages', HTMLFieldSetElement)
  /** @type {import('./snippets.js').Shown} */
  let shown = { origin: location.origin, body: {}, files: [] }

  function show() {
    const chosen = languages.querySelector('input:checked')
    source.textContent = snippet(chosen instanceof HTMLInputElement ? chosen.value : 'curl', shown)
  }

  languages.addEventListener('change', show)
  byId('copy', HTMLButtonElement).addEventListener('click', async () => {
    const isDone = await navigator.clipboard.writeText(source.textContent ?? '').then(
      () => true,
      () => false,
    )
    copied.textContent = isDone ? 'Copied.' : 'The browser does not let this page copy. Select the text instead.'
  })

  /** @param {Pick<import('./snippets.js').Shown, 'body' | 'files'>} request */
  return function open(request) {
    shown = { origin: location.origin, ...request }
    copied.textContent = 'The key is read from LOUPE_API_KEY, pictures from their files.'
    show()
    dialog.showModal()
  }
}
