import { z } from 'zod'
import { boundedList } from '../bounded-list.ts'

/** Longest grammar, schema or pattern, and all choices together: a compiler's work grows with it, and not only in step. */
const MAX_GRAMMAR_CHARACTERS = 65_536
const MOST_CHOICES = 1024

const text = z.string().min(1).max(MAX_GRAMMAR_CHARACTERS)
const choices = boundedList(text, [1, MOST_CHOICES]).refine(
  (all) => all.reduce((sum, choice) => sum + choice.length, 0) <= MAX_GRAMMAR_CHARACTERS,
  `expected at most ${MAX_GRAMMAR_CHARACTERS} characters in all choices`,
)

/** What an answer has to be. Every kind stands for a set of texts, and the answer is one of them. */
export const generateGrammar = z.discriminatedUnion('type', [
  /** Any JSON object. */
  z.object({ type: z.literal('json_object') }),
  /**
   * JSON that a schema takes. The schema travels as text: the order of its properties counts. With `or_text` it may also
   * be any text that begins with no blank, `{` or `[`, so that its first character tells which of the two it is.
   */
  z.object({ type: z.literal('json_schema'), schema: text, or_text: z.boolean().optional() }),
  /** What a regular expression matches from end to end. */
  z.object({ type: z.literal('regex'), pattern: text }),
  /** What the rule `root` of a grammar derives. */
  z.object({ type: z.literal('ebnf'), grammar: text }),
  /** One of these. */
  z.object({ type: z.literal('choice'), choices }),
])

/** What an answer has to be, as the wire has it. */
export type GenerateGrammar = z.infer<typeof generateGrammar>
