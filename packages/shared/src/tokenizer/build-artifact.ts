import { classifyAdded } from './added-tokens.ts'
import { invalid } from './invalid.ts'
import { parseTokenizerJson, type TokenizerFile } from './tokenizer-json.ts'
import { type MergeFacts, writeArtifact } from './write-artifact.ts'

/** How {@link buildTokenizerArtifact} writes the merges. */
export interface ArtifactOptions {
  /** Store the merges even where they follow from the vocabulary. Three times the size, the same ids. */
  readonly storeMerges?: boolean
}

/**
 * Turns a tokenizer.json into the compact artifact that `loadTokenizer` reads: any byte-pair encoding with byte
 * fallback in Gemma's form. The merges, nine tenths of Gemma's 33 MB, are left out if they follow from the vocabulary
 * alone, which is checked merge by merge.
 *
 * @param json - the text of the file
 * @returns the bytes of the artifact
 * @throws AppError `tokenizer.invalid`, saying what was expected and found
 */
export function buildTokenizerArtifact(json: string, options: ArtifactOptions = {}): Uint8Array {
  const file = parseTokenizerJson(json)
  const added = classifyAdded(file.added, (content) => file.vocab.has(content))
  return writeArtifact({ pieces: listPieces(file), added }, (facts) => {
    const isClosedForm = options.storeMerges !== true && areImplied(file, facts)
    return isClosedForm ? undefined : readMerges(file, facts.reached)
  })
}

/** All contents by id: the vocabulary, then the added tokens that it lacks. Every id is used once. */
function listPieces({ vocab, added }: TokenizerFile): readonly string[] {
  const contents = new Map(vocab)
  for (const { id, content } of added) {
    const known = contents.get(content) ?? id
    if (known !== id) throw invalid(`id of the added token ${JSON.stringify(content)}`, String(known), id)
    contents.set(content, id)
  }
  const pieces: string[] = new Array(contents.size)
  for (const [content, id] of contents) {
    if (id >= contents.size) throw invalid('ids', `all of 0 to ${contents.size - 1}`, id)
    if (pieces[id] !== undefined) throw invalid(`id ${id}`, 'one token', [pieces[id], content])
    pieces[id] = content
  }
  return pieces
}

/** The merges that can happen, `[merges, 2]`, ids. A merge that would make a control token is none. */
function readMerges({ vocab, merges }: TokenizerFile, reached: Uint8Array): Int32Array {
  const pairs: number[] = []
  for (const [left, right] of merges) {
    const ids = mergeIds(vocab, left, right)
    if (ids.every((id) => reached[id] === 1)) pairs.push(...ids.slice(0, 2))
  }
  return Int32Array.from(pairs)
}

/** Ids of left half, right half and whole. */
function mergeIds(vocab: ReadonlyMap<string, number>, left: string, right: string): readonly number[] {
  return [left, right, left + right].map((content) => {
    const id = vocab.get(content)
    if (id === undefined) throw invalid('model.merges', 'pieces of the vocabulary', [left, right])
    return id
  })
}

/**
 * True if the merges that can happen are exactly the implied ones, in that order. Compares contents one by one and looks
 * ids up only where they differ: half a million look-ups would take longer than all the rest.
 */
function areImplied({ vocab, merges }: TokenizerFile, { pieces, reached, implied }: MergeFacts): boolean {
  const { merges: expected, isOrdered } = implied()
  let at = 0
  for (const [left, right] of merges) {
    if (pieces[expected[at] ?? -1] === left && pieces[expected[at + 1] ?? -1] === right) at += 2
    else if (mergeIds(vocab, left, right).every((id) => reached[id] === 1)) return false
  }
  return isOrdered && at === expected.length
}
