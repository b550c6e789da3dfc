/** All numbers that a reader gives in pieces, in one array. */
export async function joinPieces(pieces: AsyncIterable<Float32Array>): Promise<Float32Array<ArrayBuffer>> {
  const copies: Float32Array[] = []
  for await (const piece of pieces) copies.push(piece.slice())
  const joined = new Float32Array(copies.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const copy of copies) {
    joined.set(copy, at)
    at += copy.length
  }
  return joined
}
