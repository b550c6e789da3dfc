import { ApiError, ask } from './ask.js'
import { button } from './elements.js'
import { keepChat } from './history.js'
import { pictureOf, toDataUri } from './pictures.js'
import { chatBody } from './request.js'
import { fileMark } from './snippets.js'
import { takeAnswer } from './take-answer.js'
import { createTurn } from './turns.js'

/**
 * @typedef {import('./pictures.js').Picture} Picture
 * @typedef {{ question: string, pictures: readonly Picture[], answer: string, isJson: boolean, facts: string[] }} TurnData
 * @typedef {TurnData & { view: ReturnType<typeof createTurn> }} Turn
 * @typedef {{
 *   settings: ReturnType<typeof import('./settings.js').createSettings>
 *   tray: ReturnType<typeof import('./pictures.js').createTray>
 *   question: HTMLTextAreaElement
 *   list: HTMLElement
 *   spoken: HTMLElement
 *   key: () => string
 *   tokensPerImage: () => number
 *   onLook: (picture: Picture) => void
 *   onChange: () => void
 *   onFault: (error: unknown) => void
 *   onStart: () => void
 *   onEnd: () => void
 *   onKept: () => void
 * }} ChatOptions
 */

/** The conversation: its turns, the draft of the next, and the answer that is being made. */
export class Chat {
  #options
  /** @type {Turn[]} */
  #turns = []
  /** @type {AbortController | undefined} */
  #running
  /** By this it is kept. @type {string} */
  id = crypto.randomUUID()

  /** @param {ChatOptions} options */
  constructor(options) {
    this.#options = options
  }

  get isEmpty() {
    return this.#turns.length === 0
  }

  /** Whether there is something to ask. */
  get hasDraft() {
    const { question, tray } = this.#options
    return question.value.trim() !== '' || tray.all().length > 0
  }

  /** Asks what is in the form. */
  async ask() {
    const { question, tray, settings, onFault } = this.#options
    if (this.#running) return
    if (!this.hasDraft) {
      return onFault(new ApiError(this.isEmpty ? 'First choose a picture.' : 'First write a question.'))
    }
    if (!settings.check()) return
    const turn = this.#add(this.#drafted())
    question.value = ''
    tray.replace([])
    await this.#answer(turn)
  }

  /** Answers the last question once more. */
  async again() {
    const last = this.#turns.at(-1)
    if (last && !this.#running) await this.#answer(last)
  }

  /** Does once more what failed. */
  async retry() {
    if (this.#turns.at(-1)?.answer === '') await this.again()
    else if (this.hasDraft) await this.ask()
  }

  /** Takes the last question back into the form, its pictures with it. */
  edit() {
    const { question, tray } = this.#options
    const last = this.#turns.at(-1)
    if (!last || this.#running) return
    question.value = last.question
    this.#show(this.#turns.slice(0, -1))
    tray.replace(last.pictures)
    question.focus()
  }

  stop() {
    this.#running?.abort()
  }

  /** Begins a new chat. */
  start() {
    const { question, tray } = this.#options
    this.stop()
    this.id = crypto.randomUUID()
    question.value = ''
    this.#show([])
    tray.replace([])
  }

  /** @param {import('./history.js').Chat} kept */
  open({ id, turns }) {
    this.start()
    this.id = id
    for (const { pictures, ...turn } of turns) {
      this.#add({ ...turn, pictures: pictures.map(({ name, file }) => pictureOf(name, file)) })
    }
    this.#show(this.#turns)
  }

  /** The body of what would be asked now, undefined where that is nothing. */
  draft() {
    return this.hasDraft && !this.#running ? this.#body([...this.#turns, this.#drafted()]) : undefined
  }

  /** What would be asked now or, where that is nothing, what was asked last, with marks for pictures. */
  asCode() {
    const asked = answered(this.hasDraft || this.isEmpty ? [...this.#turns, this.#drafted()] : this.#turns)
    const files = asked.flatMap(({ pictures }) => pictures).map(({ name, file }) => ({ name, type: file.type }))
    let mark = 0
    const exchanges = asked.map(({ question, pictures, answer }, index) => {
      const marks = pictures.map(() => fileMark(mark++))
      return { question, pictures: marks, ...(index === asked.length - 1 ? {} : { answer }) }
    })
    return { body: chatBody(this.#options.settings.read(), exchanges), files }
  }

  /** @returns {TurnData} */
  #drafted() {
    const { question, tray } = this.#options
    const words = question.value.trim() || question.placeholder
    return { question: words, pictures: tray.all(), answer: '', isJson: false, facts: [] }
  }

  /** @param {TurnData} data */
  #add(data) {
    const { list, onLook } = this.#options
    const turn = { ...data, view: createTurn(data.question, data.pictures, onLook) }
    this.#turns.push(turn)
    list.append(turn.view.item)
    turn.view.draw(() => turn.answer, turn.isJson)
    turn.view.tell(turn.facts)
    return turn
  }

  /** @param {readonly Turn[]} turns */
  #show(turns) {
    this.#turns = [...turns]
    this.#options.list.replaceChildren(...turns.map(({ view }) => view.item))
    this.#offerActions()
    this.#options.onChange()
  }

  /** Each answer can be copied; the last one can be made again. */
  #offerActions() {
    for (const [index, { view, answer }] of this.#turns.entries()) {
      const copy = button('Copy', () => void navigator.clipboard.writeText(answer), 'Copy this answer')
      const last = [button('Answer again', () => void this.again()), button('Edit question', () => this.edit())]
      const isLast = index === this.#turns.length - 1
      view.actions.replaceChildren(...(answer === '' ? [] : [copy]), ...(isLast ? last : []))
      view.actions.hidden = this.#running !== undefined
    }
  }

  /** @param {readonly TurnData[]} turns */
  async #body(turns) {
    const asked = answered(turns)
    const exchanges = asked.map(async ({ question, pictures, answer }, index) => {
      const uris = await Promise.all(pictures.map(({ file }) => toDataUri(file)))
      return { question, pictures: uris, ...(index === asked.length - 1 ? {} : { answer }) }
    })
    return chatBody(this.#options.settings.read(), await Promise.all(exchanges))
  }

  /** @param {Turn} turn - the last one */
  async #answer(turn) {
    const { settings, spoken, key, tokensPerImage, onStart, onEnd } = this.#options
    const running = new AbortController()
    this.#running = running
    onStart()
    Object.assign(turn, { answer: '', facts: [], isJson: settings.read().schema.trim() !== '' })
    turn.view.begin()
    this.#offerActions()
    try {
      const parts = ask(await this.#body(this.#turns), { key: key(), signal: running.signal })
      await takeAnswer(turn, parts, tokensPerImage())
      spoken.textContent = turn.answer
    } catch (error) {
      this.#broken(turn, error, running.signal.aborted)
    } finally {
      this.#running = undefined
      turn.view.end(turn.facts)
      onEnd()
    }
    // Unless another chat has been begun.
    if (!this.#turns.includes(turn)) return
    this.#offerActions()
    this.#options.onChange()
    if (turn.answer !== '') await this.#keep()
  }

  /**
   * @param {Turn} turn
   * @param {unknown} error
   * @param {boolean} wasStopped
   */
  #broken(turn, error, wasStopped) {
    const { spoken, onFault } = this.#options
    if (wasStopped) {
      turn.facts.push('Stopped.')
      spoken.textContent = 'Stopped.'
      return
    }
    turn.facts.push(turn.answer === '' ? 'Not answered.' : 'Broke off.')
    onFault(error)
  }

  async #keep() {
    const turns = this.#turns.map(({ view: _, pictures, ...turn }) => {
      return { ...turn, pictures: pictures.map(({ name, file }) => ({ name, file })) }
    })
    // A browser that keeps nothing still answers; the list of chats says so.
    await keepChat({ id: this.id, changedMs: Date.now(), turns }).catch(() => undefined)
    this.#options.onKept()
  }
}

/**
 * Leaves out questions that were never answered, but for the last.
 *
 * @template {{ answer: string }} T
 * @param {readonly T[]} turns
 */
function answered(turns) {
  return turns.filter(({ answer }, index) => answer !== '' || index === turns.length - 1)
}
