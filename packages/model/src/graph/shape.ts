/** One size: a number, or the name of a size that is only known at run time. `b*t` is the product of two of them. */
export type Dim = number | string

/** Sizes of a tensor, outermost first. */
export type Shape = readonly Dim[]

/** `[b, t, 48]` */
export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/**
 * The shape of an elementwise result, where a size of 1 stretches.
 *
 * @returns `undefined` when the shapes do not fit, or have different ranks: ours never rely on added axes
 */
export function broadcastShape(left: Shape, right: Shape): Shape | undefined {
  if (left.length !== right.length) return undefined
  const out: Dim[] = []
  for (const [axis, dim] of left.entries()) {
    const other = right[axis] ?? 1
    if (dim !== other && dim !== 1 && other !== 1) return undefined
    out.push(dim === 1 ? other : dim)
  }
  return out
}

/** The number of elements, in one form for equal numbers: the known factor first, then the unknown ones in order. */
export function elementCount(shape: Shape): Dim {
  let known = 1
  const unknown: string[] = []
  for (const factor of shape.flatMap((dim) => (typeof dim === 'number' ? dim : factorsOf(dim)))) {
    if (typeof factor === 'number') known *= factor
    else unknown.push(factor)
  }
  if (unknown.length === 0 || known === 0) return known
  return [...(known === 1 ? [] : [String(known)]), ...unknown.sort()].join('*')
}

/** The factors of a product such as `4096*b`. */
export function factorsOf(product: string): Dim[] {
  return product.split('*').map((factor) => (/^\d+$/.test(factor) ? Number(factor) : factor))
}
