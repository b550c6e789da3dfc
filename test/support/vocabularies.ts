import fc from 'fast-check'

/** A small byte-pair vocabulary: characters, and merges of earlier pieces, best first. */
export interface Vocabulary {
  readonly characters: readonly string[]
  readonly merges: readonly (readonly [string, string])[]
}

/** Merges in any order, so that a piece may rank ahead of its halves; some reach over a space. */
export const randomVocabulary: fc.Arbitrary<Vocabulary> = fc
  .record({
    picks: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 12, size: 'max' }),
    order: fc.infiniteStream(fc.nat()),
  })
  .map(({ picks, order }) => {
    const characters = ['a', 'b', '▁']
    const pieces = [...characters]
    const merges = new Map<string, readonly [string, string]>()
    for (const [one, two] of picks) {
      const left = pieces[one % pieces.length] ?? ''
      const right = pieces[two % pieces.length] ?? ''
      merges.set(`${left} ${right}`, [left, right])
      if (!pieces.includes(left + right)) pieces.push(left + right)
    }
    const ranked = [...merges.values()].map((merge) => ({ merge, rank: order.next().value }))
    return { characters, merges: ranked.sort((one, two) => one.rank - two.rank).map(({ merge }) => merge) }
  })

/** The vocabulary as a tokenizer.json with byte fallback and two added tokens. */
export function vocabularyJson({ characters, merges }: Vocabulary): string {
  const replace = (from: string, to: string) => ({ type: 'Replace', pattern: { String: from }, content: to })
  const decoders = [replace('▁', ' '), { type: 'ByteFallback' }, { type: 'Fuse' }]
  const pieces = ['<bos>', '\n', ...byteTokens, ...new Set([...characters, ...merges.map((merge) => merge.join(''))])]
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false }
  return JSON.stringify({
    added_tokens: [
      { id: 0, content: '<bos>', special: true, ...flags },
      { id: 1, content: '\n', special: false, ...flags },
    ],
    normalizer: replace(' ', '▁'),
    pre_tokenizer: null,
    decoder: { type: 'Sequence', decoders },
    model: {
      type: 'BPE',
      byte_fallback: true,
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges,
    },
  })
}

const byteTokens = Array.from({ length: 256 }, (_, byte) => byteToken(byte))

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
}

/** Byte-pair encoding in its plainest form: merge the best-ranked pair, leftmost first, until none is left. */
export function mergeNaively({ characters, merges }: Vocabulary, text: string): readonly string[] {
  const known = new Set(characters)
  let pieces = [...text.replaceAll(' ', '▁')].flatMap((character) =>
    known.has(character) ? [character] : Array.from(new TextEncoder().encode(character), byteToken),
  )
  const rankAt = (at: number) => merges.findIndex(([left, right]) => left === pieces[at] && right === pieces[at + 1])
  for (;;) {
    const ranks = pieces.map((_, at) => rankAt(at)).map((rank) => (rank < 0 ? Number.POSITIVE_INFINITY : rank))
    const best = Math.min(...ranks)
    if (best === Number.POSITIVE_INFINITY || pieces.length === 0) return pieces
    const at = ranks.indexOf(best)
    pieces = [...pieces.slice(0, at), `${pieces[at]}${pieces[at + 1]}`, ...pieces.slice(at + 2)]
  }
}
