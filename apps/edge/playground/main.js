import { ApiError, listModels } from './ask.js'
import { createCamera } from './camera.js'
import { Chat } from './chat.js'
import { createChatList } from './chat-list.js'
import { createCodeDialog, createViewDialog } from './dialogs.js'
import { byId } from './elements.js'
import { createEstimate } from './estimate.js'
import { createFaults } from './faults.js'
import { createTray } from './pictures.js'
import { createSettings } from './settings.js'
import { createPanels, createShortcuts, createTheme } from './shell.js'

const KEY = 'loupe.key'
const question = byId('question', HTMLTextAreaElement)
const form = byId('ask', HTMLFormElement)
const file = byId('file', HTMLInputElement)
const keyField = byId('key', HTMLInputElement)
const stop = byId('stop', HTMLButtonElement)
const go = byId('go', HTMLButtonElement)

/** @type {Awaited<ReturnType<typeof listModels>>} */
let models = []
const key = () => keyField.value.trim()
keyField.value = sessionStorage.getItem(KEY) ?? ''

createTheme()
const panels = createPanels()
const faults = createFaults(byId('fault', HTMLElement), () => void chat.retry())
const settings = createSettings(byId('settings-form', HTMLFormElement), () => estimate.refresh())
const look = createViewDialog(() => ({ ...settings.read(), key: key() }))
const showCode = createCodeDialog()

const tray = createTray(byId('pictures', HTMLElement), {
  onChange() {
    faults.clear()
    changed()
    // On a phone, focus would cover the picture with a keyboard.
    if (tray.all().length > 0 && matchMedia('(hover: hover)').matches && !form.contains(document.activeElement)) {
      question.focus({ preventScroll: true })
    }
  },
  onRefuse: (reason) => faults.show(new ApiError(reason)),
  onLook: (picture) => void look(picture),
})

const chat = new Chat({
  settings,
  tray,
  question,
  list: byId('turns', HTMLElement),
  spoken: byId('spoken', HTMLElement),
  key,
  tokensPerImage: () => models.find(({ id }) => id === settings.read().model)?.tokens_per_image ?? 0,
  onLook: (picture) => void look(picture),
  onChange: () => changed(),
  onFault: showFault,
  onStart() {
    faults.clear()
    changed()
    setRunning(true)
  },
  onEnd: () => setRunning(false),
  onKept: () => void chats.refresh(),
})

const estimate = createEstimate(byId('estimate', HTMLElement), {
  settings,
  key,
  hasDraft: () => chat.hasDraft,
  draft: () => chat.draft(),
})

const chats = createChatList({
  current: () => chat.id,
  open(kept) {
    chat.open(kept)
    question.focus()
  },
  onCleared: () => chat.start(),
})

/** What is asked about has changed. */
function changed() {
  document.body.classList.toggle('is-fresh', chat.isEmpty)
  document.body.classList.toggle('has-pictures', tray.all().length > 0)
  byId('empty', HTMLElement).hidden = !chat.isEmpty
  estimate.refresh()
}

/** @param {boolean} isRunning */
function setRunning(isRunning) {
  const hadFocus = document.activeElement === stop || document.activeElement === go
  go.hidden = isRunning
  stop.hidden = !isRunning
  if (hadFocus) question.focus()
}

/** @param {unknown} error */
function showFault(error) {
  faults.show(error)
  if (error instanceof ApiError && error.status === 401) askForKey()
}

// Pictures: chosen, photographed, dropped, pasted, or one of the examples.

const choose = () => file.click()
byId('drop', HTMLButtonElement).addEventListener('click', choose)
byId('add', HTMLButtonElement).addEventListener('click', choose)
const openCamera = createCamera(tray.add)
byId('photograph', HTMLButtonElement).addEventListener('click', () => void openCamera())

file.addEventListener('change', () => {
  tray.add(file.files ?? [])
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
  tray.add(event.dataTransfer?.files ?? [])
})

document.addEventListener('paste', (event) => {
  const files = event.clipboardData?.files
  if (!files?.length) return
  event.preventDefault()
  tray.add(files)
})

for (const example of document.querySelectorAll('[data-example]')) {
  example.addEventListener('click', async () => {
    const name = `${example.getAttribute('data-example')}.png`
    const blob = await (await fetch(`examples/${name}`)).blob()
    tray.add([new File([blob], name, { type: 'image/png' })])
  })
}

// Asking.

form.addEventListener('submit', (event) => {
  event.preventDefault()
  void chat.ask()
})

question.addEventListener('input', () => estimate.refresh())
question.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  form.requestSubmit()
})

stop.addEventListener('click', () => chat.stop())
byId('code', HTMLButtonElement).addEventListener('click', () => {
  try {
    showCode(chat.asCode())
  } catch (error) {
    faults.show(error)
  }
})
byId('new-chat', HTMLButtonElement).addEventListener('click', startAnew)

function startAnew() {
  chat.start()
  question.focus()
}

createShortcuts({
  Escape: () => chat.stop(),
  '/': () => question.focus(),
  '?': () => byId('keys-dialog', HTMLDialogElement).showModal(),
  'alt+n': startAnew,
  'alt+r': () => void chat.again(),
  'alt+e': () => chat.edit(),
})

// Key and models.

keyField.addEventListener('change', () => {
  sessionStorage.setItem(KEY, key())
  faults.clear()
  void findModels()
})

function askForKey() {
  panels.open('settings')
  keyField.focus()
}

async function findModels() {
  try {
    models = await listModels(key())
    settings.offerModels(models.map(({ id }) => id))
    changed()
  } catch (error) {
    showFault(error)
  }
}

void findModels()
void chats.refresh()
