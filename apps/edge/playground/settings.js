/**
 * The settings: a form that is kept in this browser. The key is not one of them.
 *
 * @param {HTMLFormElement} form
 * @param {() => void} onChange
 */
export function createSettings(form, onChange) {
  const KEPT = 'loupe.settings'

  /** @returns {import('./request.js').Settings} */
  const read = () => {
    const { model = '', system = '', temperature = '', top_p = '', top_k = '', max_tokens = '', ...rest } = fields(form)
    const { seed = '', detail = 'auto', schema = '', price_in = '', price_out = '' } = rest
    return { model, system, temperature, top_p, top_k, max_tokens, seed, detail, schema, price_in, price_out }
  }

  fill(form, kept(KEPT))
  const keep = () => {
    localStorage.setItem(KEPT, JSON.stringify(read()))
    onChange()
  }
  form.addEventListener('input', keep)
  form.addEventListener('submit', (event) => event.preventDefault())
  // The fields are empty only after the event.
  form.addEventListener('reset', () => setTimeout(keep))

  return {
    read,
    /**
     * The first field that the browser finds out of its range, after showing it.
     *
     * @returns {boolean} whether there is none
     */
    check: () => form.reportValidity(),
    /** @param {readonly string[]} names - of the models that are served */
    offerModels(names) {
      const field = form.elements.namedItem('model')
      if (!(field instanceof HTMLSelectElement)) return
      const wanted = field.value || kept(KEPT)['model']
      field.replaceChildren(...names.map((name) => new Option(name, name, false, name === wanted)))
    },
  }
}

/** @param {HTMLFormElement} form */
function fields(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
}

/**
 * @param {HTMLFormElement} form
 * @param {Record<string, string>} values
 */
function fill(form, values) {
  for (const [name, value] of Object.entries(values)) {
    const field = form.elements.namedItem(name)
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.value = value
    if (field instanceof HTMLSelectElement && name !== 'model') field.value = value
  }
}

/**
 * @param {string} name
 * @returns {Record<string, string>}
 */
function kept(name) {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(localStorage.getItem(name) ?? '{}')))
  } catch {
    return {} // written by something else
  }
}
