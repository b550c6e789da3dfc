/** A text that stands exactly once in a file, and what takes its place. */
type Edit = readonly [find: string, replace: string]

/** A fact of the model, and a small edit of the source that makes it false. */
export interface Mutant {
  /** Unique, kebab-case. */
  readonly name: string
  /** What is true of the model, as a sentence. */
  readonly fact: string
  /** The source file, from the root of the repository. */
  readonly file: string
  readonly edits: readonly Edit[]
  /** Test files of which at least one test must fail, from the root. */
  readonly tests: readonly string[]
}

/** Facts that one file is responsible for: name to the fact and its edits. */
export type Facts = Readonly<Record<string, readonly [fact: string, ...edits: Edit[]]>>

/** Mutants of one file that are looked for in the same tests. */
export function mutantsOf(file: string, tests: readonly string[], facts: Facts): Mutant[] {
  return Object.entries(facts).map(([name, [fact, ...edits]]) => ({ name, fact, file, edits, tests }))
}

/**
 * The source with the edits made.
 *
 * @throws Error when an edit does not apply exactly once: the source has changed, and the table must follow
 */
export function mutate(source: string, { name, file, edits }: Mutant): string {
  return edits.reduce((text, [find, replace]) => {
    const [before = '', after, ...more] = text.split(find)
    if (after !== undefined && more.length === 0) return before + replace + after
    const found = after === undefined ? 'none' : `${more.length + 1}`
    throw new Error(`${name}: expected the text once in ${file}, found ${found}: ${find}`)
  }, source)
}
