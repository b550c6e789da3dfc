import { ApiError, ask, listModels } from './ask.js'
import { addEntry } from './entries.js'
import { createTable, toDataUri } from './pictures.js'

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} called ${id}`)
  return found
}

const question = element('question', HTMLTextAreaElement)
const askForm = element('ask', HTMLFormElement)
const go = element('go', HTMLButtonElement)
const stop = element('stop', HTMLButtonElement)
const fault = element('fault', HTMLElement)
const answers = element('answers', HTMLOListElement)
const spoken = element('spoken', HTMLElement)
const modelLine = element('model', HTMLElement)
const keyForm = element('key-form', HTMLFormElement)
const keyField = element('key', HTMLInputElement)
const keyToggle = element('key-toggle', HTMLButtonElement)
const file = element('file', HTMLInputElement)

const KEY = 'loupe.key'
const state = {
  model: '',
  key: sessionStorage.getItem(KEY) ?? '',
  running: /** @type {AbortController | undefined} */ (undefined),
}

const table = createTable(element('pictures', HTMLElement), {
  onChange(count) {
    document.body.classList.toggle('has-pictures', count > 0)
    clearFault()
    // On a phone, focus would cover the picture with a keyboard.
    if (count > 0 && matchMedia('(hover: hover)').matches) question.focus({ preventScroll: true })
  },
  onRefuse: (reason) => showFault(new ApiError(reason)),
})

// Pictures: chosen, dropped, pasted, or one of the examples.

file.addEventListener('change', () => {
  table.add(file.files ?? [])
  file.value = ''
})

document.addEventListener('dragover', (event) => {
  event.preventDefault()
  document.body.classList.add('is-over')
})

document.addEventListener('dragleave', (event) => {
  if (event.relatedTarget === null) document.body.classList.remove('is-over')
})

document.addEventListener('drop', (event) => {
  event.preventDefault()
  document.body.classList.remove('is-over')
  table.add(event.dataTransfer?.files ?? [])
})

document.addEventListener('paste', (event) => {
  const files = event.clipboardData?.files
  if (!files?.length) return
  event.preventDefault()
  table.add(files)
})

for (const button of document.querySelectorAll('[data-example]')) {
  button.addEventListener('click', async () => {
    const name = `${button.getAttribute('data-example')}.png`
    const blob = await (await fetch(`examples/${name}`)).blob()
    table.add([new File([blob], name, { type: 'image/png' })])
  })
}

// Asking.

askForm.addEventListener('submit', (event) => {
  event.preventDefault()
  if (!state.running) void run()
})

question.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  askForm.requestSubmit()
})

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') state.running?.abort()
})

stop.addEventListener('click', () => state.running?.abort())

async function run() {
  clearFault()
  const pictures = table.all()
  if (pictures.length === 0) {
    showFault(new ApiError('First choose a picture.'))
    file.focus()
    return
  }
  const running = new AbortController()
  setRunning(running)
  const words = question.value.trim() || question.placeholder
  const entry = addEntry(
    answers,
    words,
    pictures.map(({ preview }) => preview),
  )
  question.value = ''
  try {
    if (state.model === '') await findModel()
    const dataUris = await Promise.all(pictures.map(({ file }) => toDataUri(file)))
    const { model, key } = state
    await entry.show(ask({ model, key, question: words, pictures: dataUris, signal: running.signal }))
    spoken.textContent = entry.text()
  } catch (error) {
    if (running.signal.aborted) entry.end('Stopped.')
    else {
      entry.fail()
      question.value = words
      showFault(error)
    }
  } finally {
    entry.finish()
    setRunning(undefined)
  }
}

/** @param {AbortController | undefined} running */
function setRunning(running) {
  const hadFocus = document.activeElement === stop
  state.running = running
  document.body.classList.toggle('is-busy', running !== undefined)
  go.hidden = running !== undefined
  stop.hidden = running === undefined
  if (hadFocus) question.focus()
}

// Key and model.

keyToggle.addEventListener('click', () => openKeyForm(keyForm.hidden === true))

keyForm.addEventListener('submit', (event) => {
  event.preventDefault()
  state.key = keyField.value.trim()
  sessionStorage.setItem(KEY, state.key)
  openKeyForm(false)
  clearFault()
  void findModel().catch(showFault)
})

/** @param {boolean} isOpen */
function openKeyForm(isOpen) {
  keyForm.hidden = !isOpen
  keyToggle.ariaExpanded = String(isOpen)
  keyField.value = state.key
  if (isOpen) keyField.focus()
}

async function findModel() {
  const [first] = await listModels(state.key)
  if (first === undefined) throw new ApiError('The worker serves no model.')
  state.model = first
  modelLine.textContent = first
}

// Faults.

/** @param {unknown} error */
function showFault(error) {
  const known = error instanceof ApiError ? error : new ApiError(error instanceof Error ? error.message : String(error))
  const message = document.createElement('p')
  message.textContent = known.message
  const facts = [known.code, known.requestId].filter(Boolean).join(' · ')
  const details = document.createElement('code')
  details.textContent = facts
  fault.replaceChildren(message, ...(facts === '' ? [] : [details]))
  fault.hidden = false
  if (known.status === 401) openKeyForm(true)
}

function clearFault() {
  fault.hidden = true
  fault.replaceChildren()
}

void findModel().catch(showFault)
