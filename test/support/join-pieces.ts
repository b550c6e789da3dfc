/** All numbers that a reader gives in pieces, in one array. */
export async function joinPieces(pieces: AsyncIterable<Float32Array>): Promise<Float32Array<ArrayBuffer>> {
  const numbers: number[] = []
  for await (const piece of pieces) for (const value of piece) numbers.push(value)
  return Float32Array.from(numbers)
}
