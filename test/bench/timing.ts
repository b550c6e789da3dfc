/** What one run took, milliseconds. */
export interface Cost {
  readonly wall: number
  /** Of all threads of this process: what other processes do to the wall clock hardly moves it. */
  readonly cpu: number
}

/** Costs of two things that took turns. */
export interface Comparison {
  /** Medians. */
  readonly candidate: Cost
  /** Medians over the rounds of candidate / baseline: what the machine does beside us hits both. */
  readonly ratio: Cost
}

/** Runs two things in turn. The first round warms up and does not count. */
export async function takeTurns(
  baseline: () => Promise<unknown>,
  candidate: () => Promise<unknown>,
  rounds: number,
): Promise<Comparison> {
  const costs: { baseline: Cost; candidate: Cost }[] = []
  for (let round = 0; round <= rounds; round++) {
    costs.push({ baseline: await costOf(baseline), candidate: await costOf(candidate) })
  }
  costs.shift()
  const over = (pick: (pair: { baseline: Cost; candidate: Cost }) => number) => median(costs.map(pick))
  return {
    candidate: { wall: over(({ candidate: c }) => c.wall), cpu: over(({ candidate: c }) => c.cpu) },
    ratio: {
      wall: over(({ baseline: b, candidate: c }) => c.wall / b.wall),
      cpu: over(({ baseline: b, candidate: c }) => c.cpu / b.cpu),
    },
  }
}

/** Runs something once. */
export async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const start = performance.now()
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return { wall: performance.now() - start, cpu: (user + system) / 1000 }
}

/** The middle one; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
