import type { GenerateGrammar } from '@loupe/shared/wire'

/** What a grammar thread is started with. */
export interface GrammarThreadData {
  /** The compact tokenizer artifact. */
  readonly tokenizer: Uint8Array
  readonly eosTokenIds: readonly number[]
  /** Most memory of the grammar library. */
  readonly memoryBytes: number
}

/** What a grammar thread does. Every task gets one {@link GrammarReply}, in order. */
export type GrammarTask =
  /** Turns what a client sends into rules. */
  | { readonly task: 'read'; readonly grammar: GenerateGrammar }
  /** Compiles rules for the vocabulary, and keeps them. */
  | { readonly task: 'compile'; readonly key: string; readonly rules: string }
  /** Starts to follow an answer. `mask` is shared memory: each task of a matcher but the last fills it anew. */
  | { readonly task: 'start'; readonly matcher: number; readonly key: string; readonly mask: Int32Array }
  | { readonly task: 'accept'; readonly matcher: number; readonly id: number }
  | { readonly task: 'rollback'; readonly matcher: number; readonly tokens: number }
  | { readonly task: 'stop'; readonly matcher: number }

/** How a task went. */
export type GrammarReply =
  | {
      readonly isDone: true
      /** What was read. */
      readonly rules?: string
      /** Memory that the grammar library holds now. */
      readonly heldBytes: number
    }
  | { readonly isDone: false; readonly code: 'grammar.invalid' | 'grammar.too_complex'; readonly detail: string }
