import { loadTokenizer } from '@loupe/shared/tokenizer'
import type { CompiledGrammar, GrammarCompiler, GrammarMatcher } from '@mlc-ai/web-xgrammar'
import type { GrammarTask, GrammarThreadData } from './grammar-task.ts'
import { readGrammar } from './read-grammar.ts'
import type { Xgrammar } from './xgrammar.ts'

/** One answer that is followed. */
interface Follower {
  readonly matcher: GrammarMatcher
  readonly mask: Int32Array
}

/** Does the tasks of a grammar thread, on the thread's side. */
export class GrammarDesk {
  readonly #xgrammar: Xgrammar
  readonly #data: GrammarThreadData
  readonly #compiled = new Map<string, CompiledGrammar>()
  readonly #followers = new Map<number, Follower>()
  /** The vocabulary takes seconds and is not needed to read a grammar. */
  #vocabulary: { readonly compiler: GrammarCompiler; readonly choosable: Int32Array } | undefined

  constructor(xgrammar: Xgrammar, data: GrammarThreadData) {
    this.#xgrammar = xgrammar
    this.#data = data
  }

  /** @returns the rules, of a task that reads some @throws whatever the library or `readGrammar` throws */
  async do(task: GrammarTask): Promise<string | undefined> {
    switch (task.task) {
      case 'read':
        return await readGrammar(this.#xgrammar.library, task.grammar)
      case 'compile':
        await this.#compile(task.key, task.rules)
        return undefined
      case 'start':
        await this.#start(task)
        return undefined
      case 'accept':
        await this.#accept(this.#follower(task.matcher), task.id)
        return undefined
      case 'rollback':
        await this.#rollback(this.#follower(task.matcher), task.tokens)
        return undefined
      case 'stop':
        this.#followers.get(task.matcher)?.matcher.dispose()
        this.#followers.delete(task.matcher)
        return undefined
    }
  }

  async #compile(key: string, rules: string): Promise<void> {
    this.#vocabulary ??= await this.#readVocabulary()
    this.#compiled.set(key, await this.#vocabulary.compiler.compileGrammar(rules))
  }

  async #start({ matcher: id, key, mask }: Extract<GrammarTask, { task: 'start' }>): Promise<void> {
    const compiled = this.#compiled.get(key)
    if (compiled === undefined) throw new Error(`grammar ${key} was not compiled here`)
    const follower = { matcher: await this.#xgrammar.library.GrammarMatcher.createGrammarMatcher(compiled), mask }
    this.#followers.set(id, follower)
    await this.#fill(follower)
  }

  async #accept(follower: Follower, id: number): Promise<void> {
    if (!follower.matcher.acceptToken(id)) throw new Error(`token ${id} does not follow`)
    await this.#fill(follower)
  }

  async #rollback(follower: Follower, tokens: number): Promise<void> {
    if (tokens > 0) follower.matcher.rollBack(tokens)
    await this.#fill(follower)
  }

  #follower(id: number): Follower {
    const follower = this.#followers.get(id)
    if (follower === undefined) throw new Error(`matcher ${id} was not started here`)
    return follower
  }

  async #fill({ matcher, mask }: Follower): Promise<void> {
    const bits = await matcher.getNextTokenBitmask()
    const choosable = this.#vocabulary?.choosable
    for (let word = 0; word < mask.length; word++) mask[word] = (bits[word] ?? 0) & (choosable?.[word] ?? 0)
  }

  async #readVocabulary() {
    const { tokenizer: artifact, eosTokenIds } = this.#data
    const { GrammarCompiler, TokenizerInfo } = this.#xgrammar.library
    const tokenizer = loadTokenizer(artifact)
    const choosable = new Int32Array(Math.ceil(tokenizer.vocabSize / 32))
    const none = new Uint8Array()
    const bytes = Array.from({ length: tokenizer.vocabSize }, (_, id) => {
      // To the library a token of no bytes is one that no text becomes. The mask says it once more: a grammar of a
      // stranger must never let a control token through.
      if (tokenizer.isControl(id) && !eosTokenIds.includes(id)) return none
      choosable[id >> 5] = (choosable[id >> 5] ?? 0) | (1 << (id & 31))
      return tokenizer.isControl(id) ? none : tokenizer.tokenBytes(id)
    })
    // Its types ask for strings; embind takes bytes as well, and tokens need not be whole characters.
    const vocabulary = bytes as unknown as string[]
    const info = await TokenizerInfo.createTokenizerInfo(vocabulary, 'raw', false, undefined, [...eosTokenIds])
    // No cache of its own: what is kept is decided here.
    return { compiler: await GrammarCompiler.createGrammarCompiler(info, false), choosable }
  }
}
