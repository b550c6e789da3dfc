/** How alike the directions of two vectors are: 1 is the same. Summed in float64; NaN when lengths differ. */
export function cosine(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.NaN
  let [product, sizeA, sizeB] = [0, 0, 0]
  for (const [index, x] of a.entries()) {
    const y = b[index] ?? Number.NaN
    product += x * y
    sizeA += x * x
    sizeB += y * y
  }
  return product / Math.sqrt(sizeA * sizeB)
}
