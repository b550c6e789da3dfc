import { readCallHead, skipBlanks } from './call-head.ts'
import { createObjectScanner } from './object-scanner.ts'

/** What became known of the calls of an answer. */
export type CallPiece =
  | { readonly type: 'call'; readonly index: number; readonly name: string }
  | {
      readonly type: 'arguments'
      readonly index: number
      /** The next piece of the JSON text. */
      readonly text: string
    }

/** The next part of an answer: text, or pieces of calls. */
export interface Split {
  readonly text: string
  readonly pieces: readonly CallPiece[]
}

/** What stands in front of a call is shorter: blanks are bounded by the grammar. */
const LONGEST_HEAD = 1024

/**
 * Tells the calls of an answer from its text, while it comes in pieces. An answer is one or the other: a call, a list of
 * calls, or text. Until it is known which, everything is held back.
 */
export class CallSplitter {
  /** Whether the answer calls functions and is complete, whatever has ended it. */
  isWhole = false
  readonly #names: ReadonlySet<string>
  #state: 'start' | 'head' | 'arguments' | 'close' | 'between' | 'text' | 'over' = 'start'
  #held = ''
  #isList = false
  #count = 0
  #arguments = createObjectScanner()
  #pieces: CallPiece[] = []

  /** @param names - of the functions that may be called */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names)
  }

  /** Whether a call has begun. */
  get hasCalls(): boolean {
    return this.#state !== 'start' && this.#state !== 'text'
  }

  push(text: string): Split {
    this.#held += text
    this.#pieces = []
    while (this.#step());
    return { text: this.#state === 'text' ? this.#take(this.#held.length) : '', pieces: this.#pieces }
  }

  /** Text that was held back, once no more comes: an answer that was cut off before it was known what it is. */
  flush(): string {
    return this.#state === 'start' ? this.#take(this.#held.length) : ''
  }

  /** @returns whether there may be more to do with what is held */
  #step(): boolean {
    switch (this.#state) {
      case 'start':
        return this.#readStart()
      case 'head':
        return this.#readHead(0, 'over')
      case 'arguments':
        return this.#readArguments()
      case 'close':
        return this.#readMark({ '}': this.#isList ? 'between' : 'over' })
      case 'between':
        return this.#readMark({ ',': 'head', ']': 'over' })
      case 'text':
      case 'over':
        return false
    }
  }

  #readStart(): boolean {
    const start = skipBlanks(this.#held, 0)
    this.#isList = this.#held[start] === '['
    return this.#readHead(start + Number(this.#isList), 'text')
  }

  /** @param otherwise - what the answer is when no call begins here */
  #readHead(from: number, otherwise: 'text' | 'over'): boolean {
    const head = readCallHead(this.#held, from)
    if (head === 'unfinished' && this.#held.length < LONGEST_HEAD) return false
    if (typeof head === 'string' || !this.#names.has(head.name)) {
      this.#state = otherwise
      return false
    }
    this.#take(head.end)
    this.#pieces.push({ type: 'call', index: this.#count, name: head.name })
    this.#arguments = createObjectScanner()
    this.#state = 'arguments'
    return true
  }

  #readArguments(): boolean {
    const text = this.#take(this.#arguments.push(this.#held))
    if (text !== '') this.#pieces.push({ type: 'arguments', index: this.#count, text })
    if (!this.#arguments.isOver) return false
    this.#count++
    this.#state = 'close'
    return true
  }

  /** Goes on by the next character that is no blank. Any other than these cannot be: the grammar has no such answer. */
  #readMark(states: Readonly<Record<string, 'head' | 'between' | 'over'>>): boolean {
    const at = skipBlanks(this.#held, 0)
    const mark = this.#held[at]
    if (mark === undefined) return false
    this.#take(at + 1)
    const next = states[mark]
    this.#state = next ?? 'over'
    this.isWhole = next === 'over'
    return this.#state !== 'over'
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return taken
  }
}
