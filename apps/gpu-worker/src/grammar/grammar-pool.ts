import { createHash } from 'node:crypto'
import type { TokenConstraint } from '@loupe/model'
import type { GenerateGrammar } from '@loupe/shared/wire'
import { GrammarConstraint } from './grammar-constraint.ts'
import type { GrammarThreadData } from './grammar-task.ts'
import { GrammarThread } from './grammar-thread.ts'
import { OneByOne } from './one-by-one.ts'
import { abortable, WaitingRoom } from './waiting-room.ts'

/** What a {@link GrammarPool} is made of. */
export interface GrammarPoolOptions extends Omit<GrammarThreadData, 'memoryBytes'> {
  /** Ids that the tokenizer can write. */
  readonly textVocabulary: number
  /** Different grammars that may be in use at the same time; further ones wait. */
  readonly threads?: number
  /** Time to compile one, in which the vocabulary may have to be read first. */
  readonly compileMs?: number
}

const READ_MS = 3000
const COMPILE_MS = 20_000
/** Memory of the library in one thread. A vocabulary of 262,144 tokens takes 20 MiB, a large schema 40 MiB. */
const THREAD_BYTES = 256 * 2 ** 20
/** A thread that holds more is not given another grammar: what it keeps is let go of with it. */
const KEPT_BYTES = 128 * 2 ** 20
const MOST_WAITING = 64

/** A grammar to be opened. */
export interface GrammarRequest {
  readonly grammar: GenerateGrammar
  /** Whom it is for. */
  readonly tenant: string
  /** How many answers it is to hold. */
  readonly choices: number
}

/** A thread and what it has compiled. */
interface Seat {
  readonly thread: GrammarThread
  readonly compiled: Map<string, Promise<unknown>>
  /** The grammar in use here, if any, and by how many answers. */
  key: string | undefined
  uses: number
}

/**
 * Grammars of strangers, compiled and followed in threads that may be lost. A thread serves one grammar at a time, so that
 * a hostile one harms nobody else's answer, and keeps those that it has compiled.
 */
export class GrammarPool {
  readonly #options: GrammarPoolOptions
  readonly #threads: number
  readonly #compileMs: number
  #seats: Seat[] = []
  /** Reads grammars before anybody compiles them: most faults show there, where nothing is lost. */
  #reader: GrammarThread | undefined
  readonly #reads = new OneByOne()
  readonly #compiles = new OneByOne()
  readonly #room = new WaitingRoom(MOST_WAITING)
  #matchers = 0

  constructor({ threads = 4, compileMs = COMPILE_MS, ...options }: GrammarPoolOptions) {
    this.#options = options
    this.#threads = threads
    this.#compileMs = compileMs
  }

  /**
   * Compiles a grammar, or finds it compiled.
   *
   * @returns a constraint for each answer, ready for the first token
   * @throws AppError `grammar.invalid`, `grammar.too_complex`, `queue.full`, or the reason of `signal`
   */
  async open({ grammar, tenant, choices }: GrammarRequest, signal: AbortSignal): Promise<readonly TokenConstraint[]> {
    // Kept apart by tenant: how fast it is must not tell what others have asked for.
    const key = createHash('sha256')
      .update(JSON.stringify([tenant, grammar]))
      .digest('hex')
    const isKnown = this.#seats.some(({ compiled }) => compiled.has(key))
    const rules = isKnown ? undefined : await abortable(this.#read(grammar), signal)
    const seat = await this.#sit(key, signal)
    const constraints: GrammarConstraint[] = []
    try {
      await abortable(
        this.#compile(seat, key, async () => rules ?? (await this.#read(grammar))),
        signal,
      )
      for (let choice = 0; choice < choices; choice++) constraints.push(this.#follow(seat, key))
      await abortable(Promise.all(constraints.map((constraint) => constraint.ready())), signal)
      return constraints
    } catch (error) {
      for (const constraint of constraints) constraint[Symbol.dispose]()
      throw error
    } finally {
      this.#leave(seat)
    }
  }

  /** One after the other: a grammar that ends the reader takes no other one with it. */
  #read(grammar: GenerateGrammar): Promise<string> {
    return this.#reads.run(async () => {
      if (this.#reader === undefined || this.#reader.isDead) this.#reader = this.#startThread()
      return (await this.#reader.run({ task: 'read', grammar }, READ_MS)) ?? ''
    })
  }

  /** One after the other, so that all grammars together take one core from the model. */
  #compile(seat: Seat, key: string, rules: () => Promise<string>): Promise<unknown> {
    const { thread, compiled } = seat
    const known = compiled.get(key)
    if (known !== undefined) return known
    const compiling = this.#compiles.run(async () => {
      return await thread.run({ task: 'compile', key, rules: await rules() }, this.#compileMs)
    })
    compiled.set(key, compiling)
    // Until then the thread is not free, even if nobody waits for the grammar any more.
    seat.uses++
    const leave = () => this.#leave(seat)
    compiling.catch(() => compiled.delete(key)).then(leave, leave)
    return compiling
  }

  #follow(seat: Seat, key: string): GrammarConstraint {
    seat.uses++
    const words = Math.ceil(this.#options.textVocabulary / 32)
    const onDispose = () => this.#leave(seat)
    return new GrammarConstraint(seat.thread, key, { matcher: this.#matchers++, words, onDispose })
  }

  /** A thread in which this grammar may be used, as soon as there is one. */
  async #sit(key: string, signal: AbortSignal): Promise<Seat> {
    for (;;) {
      const seat = this.#freeSeat(key)
      if (seat !== undefined) {
        seat.key = key
        seat.uses++
        return seat
      }
      await this.#room.wait(signal)
    }
  }

  #freeSeat(key: string): Seat | undefined {
    this.#seats = this.#seats.filter(({ thread }) => !thread.isDead)
    const idle = this.#seats.filter((seat) => seat.key === undefined)
    const same = this.#seats.find((seat) => seat.key === key) ?? idle.find(({ compiled }) => compiled.has(key))
    if (same !== undefined) return same
    const roomy = idle.find(({ thread }) => thread.heldBytes <= KEPT_BYTES)
    if (roomy !== undefined) return roomy
    if (this.#seats.length >= this.#threads) {
      const [full] = idle
      if (full === undefined) return undefined
      full.thread.end()
      this.#seats = this.#seats.filter((seat) => seat !== full)
    }
    const seat = { thread: this.#startThread(), compiled: new Map(), key: undefined, uses: 0 }
    this.#seats.push(seat)
    return seat
  }

  #leave(seat: Seat): void {
    seat.uses--
    if (seat.uses > 0) return
    seat.key = undefined
    this.#room.wake()
  }

  #startThread(): GrammarThread {
    const { tokenizer, eosTokenIds } = this.#options
    return new GrammarThread({ tokenizer, eosTokenIds, memoryBytes: THREAD_BYTES })
  }
}
