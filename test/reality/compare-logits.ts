/** Logits of the same tokens at every step of one text. */
export type StepLogits = readonly ArrayLike<number>[]

/** How far two runs are apart. */
export interface Noise {
  /** Root mean square. */
  readonly typical: number
  readonly largest: number
}

/**
 * How far two runs disagree about the distance between two tokens: the two that lead in the reference, at every step.
 * What a greedy choice hangs on is that distance; a shift of all logits means nothing.
 *
 * @param isCounted - whether a step counts
 */
export function distanceNoise(
  reference: StepLogits,
  other: StepLogits,
  isCounted: (step: number) => boolean = () => true,
): Noise {
  const changes = reference.flatMap((logits, step) => {
    if (!isCounted(step)) return []
    const [first, second] = leaders(logits)
    return [distance(other[step] ?? [], first, second) - distance(logits, first, second)]
  })
  return summary(changes)
}

/** How far single logits are apart, less the mean shift of their step. */
export function logitNoise(reference: StepLogits, other: StepLogits): Noise {
  return summary(
    reference.flatMap((logits, step) => {
      const changes = Array.from(logits, (logit, index) => (other[step]?.[index] ?? Number.NaN) - logit)
      const mean = changes.reduce((sum, change) => sum + change, 0) / changes.length
      return changes.map((change) => change - mean)
    }),
  )
}

/** Logit of the candidate at `first` less that at `second`. */
export function distance(logits: ArrayLike<number>, first: number, second: number): number {
  return (logits[first] ?? Number.NaN) - (logits[second] ?? Number.NaN)
}

/** Where the two largest are. */
export function leaders(logits: ArrayLike<number>): [first: number, second: number] {
  const [first = 0, second = 0] = Array.from(logits, (logit, index) => [logit, index] as const)
    .sort(([a], [b]) => b - a)
    .map(([, index]) => index)
  return [first, second]
}

function summary(changes: readonly number[]): Noise {
  const squares = changes.reduce((sum, change) => sum + change ** 2, 0)
  return {
    typical: Math.sqrt(squares / changes.length),
    largest: changes.reduce((most, change) => Math.max(most, Math.abs(change)), 0),
  }
}
