import { type GgufKeys, readGgufVocabulary } from './gguf-vocabulary.ts'
import { invalid } from './invalid.ts'
import { ROLE } from './merge-rules.ts'
import { findJoined } from './piece-index.ts'
import { type MergeFacts, writeArtifact } from './write-artifact.ts'

/**
 * Turns the vocabulary of a GGUF file into the compact artifact that `loadTokenizer` reads. It gives the ids of the
 * tokenizer.json that belongs to the same model; of Gemma's the artifact is the same, byte for byte.
 *
 * A GGUF lists no merges but a score for each piece: every split of a piece is a merge, pieces of higher score first.
 * Where scores fall with the id, as in every model that SentencePiece has trained, the merges follow from the pieces.
 *
 * @param keys - the metadata of the file
 * @returns the bytes of the artifact
 * @throws AppError `tokenizer.invalid` naming the key, what was expected there and what was found
 */
export function buildGgufTokenizerArtifact(keys: GgufKeys): Uint8Array {
  const { pieces, scores, added } = readGgufVocabulary(keys)
  checkUnique(pieces)
  return writeArtifact({ pieces, added }, (facts) => {
    const { merges, isOrdered } = facts.implied()
    return isOrdered && areFalling(scores, facts) ? undefined : byScore(merges, scores, facts)
  })
}

function checkUnique(pieces: readonly string[]): void {
  const ids = new Map<string, number>()
  pieces.forEach((piece, id) => {
    const other = ids.get(piece)
    if (other !== undefined) throw invalid(`tokenizer.ggml.tokens[${id}]`, `another text than that of ${other}`, piece)
    ids.set(piece, id)
  })
}

/** Whether pieces that merging makes come by falling score. Single characters are there before any merge. */
function areFalling(scores: ArrayLike<number>, { pieces, index, roles, reached }: MergeFacts): boolean {
  let last = Number.POSITIVE_INFINITY
  for (let id = 0; id < pieces.length; id += 1) {
    if (reached[id] !== 1 || roles[id] === ROLE.early || index.characters[id] === 1) continue
    const score = scores[id] ?? 0
    if (score >= last) return false
    last = score
  }
  return true
}

/** The merges by falling score; early pieces, whose score says nothing, stay ahead. Equal scores stay in order. */
function byScore(merges: readonly number[], scores: ArrayLike<number>, { index, roles }: MergeFacts): Int32Array {
  const ranked = Array.from({ length: merges.length / 2 }, (_, at) => {
    const pair = merges.slice(2 * at, 2 * at + 2)
    const whole = findJoined(index, pair[0] ?? 0, pair[1] ?? 0)
    return { pair, score: roles[whole] === ROLE.early ? Number.POSITIVE_INFINITY : (scores[whole] ?? 0) }
  })
  ranked.sort((one, two) => (one.score === two.score ? 0 : two.score - one.score))
  return Int32Array.from(ranked.flatMap(({ pair }) => pair))
}
