/** Something that waits for its turn. */
export interface QueueItem {
  readonly tenant: string
  /** Lower runs first. */
  readonly priority: number
  /** Its share of the backlog: what is left to do of prompt and answer. Must not change while it waits. */
  readonly tokens: number
}

/** What a queue holds at most. */
export interface QueueLimits {
  readonly requests: number
  /** One tenant's requests: the rest of the queue stays free for the others. */
  readonly requestsPerTenant: number
  readonly tokens: number
}

interface Place<T> {
  readonly item: T
  readonly sinceMs: number
  /** Whether it has had its turn before. */
  readonly isFirst: boolean
}

/** Waiting for so long weighs as much as one class of priority: nobody waits for ever. */
const PATIENCE_MS = 10_000

/**
 * A bounded queue: the best priority first, inside it one item of each tenant in turn, inside a tenant first come first
 * served. A tenant with a thousand requests delays another one's first request by one turn; a class that always has work
 * delays the next one by ten seconds.
 */
export class FairQueue<T extends QueueItem> {
  readonly #limits: QueueLimits
  readonly #now: () => number
  /** In the order in which they came. */
  readonly #places = new Map<T, Place<T>>()
  /** Tenants that wait: when they came, or last had a turn. */
  readonly #turns = new Map<string, number>()
  readonly #perTenant = new Map<string, number>()
  #turn = 0
  #tokens = 0

  /** @param now - a clock in milliseconds */
  constructor(limits: QueueLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  get size(): number {
    return this.#places.size
  }

  get tokens(): number {
    return this.#tokens
  }

  /** Whether the item may wait. An empty queue takes any item: one that fits the model must not be refused for good. */
  hasRoomFor(item: QueueItem): boolean {
    if (this.size === 0) return true
    return (
      this.size < this.#limits.requests &&
      (this.#perTenant.get(item.tenant) ?? 0) < this.#limits.requestsPerTenant &&
      this.#tokens + item.tokens <= this.#limits.tokens
    )
  }

  push(item: T): void {
    this.#add(item, false)
  }

  /** Puts back what had its turn already: before all others of its priority. */
  pushFront(item: T): void {
    this.#add(item, true)
  }

  /** The priority of an item, better by one for each ten seconds that it has waited. */
  standingOf(item: T): number {
    const place = this.#places.get(item)
    if (place === undefined) return item.priority
    return item.priority - Math.floor((this.#now() - place.sinceMs) / PATIENCE_MS)
  }

  /** Everything that waits, in the order in which it would have its turn. */
  *inOrder(): Generator<T, void> {
    const classes = Map.groupBy(this.#places.values(), ({ item }) => this.standingOf(item))
    for (const standing of [...classes.keys()].sort((a, b) => a - b)) yield* this.#inTurn(classes.get(standing) ?? [])
  }

  /** Whose turn it is among those that are ready. */
  first<S extends T>(isReady: (item: T) => item is S): S | undefined {
    for (const item of this.inOrder()) if (isReady(item)) return item
    return undefined
  }

  /** Takes out whose turn it is. */
  take(item: T): void {
    if (this.remove(item) && this.#turns.has(item.tenant)) this.#turns.set(item.tenant, ++this.#turn)
  }

  /** Takes out an item that gave up waiting. @returns whether it was there */
  remove(item: T): boolean {
    if (!this.#places.delete(item)) return false
    this.#tokens -= item.tokens
    const left = (this.#perTenant.get(item.tenant) ?? 0) - 1
    this.#perTenant.set(item.tenant, left)
    if (left > 0) return true
    this.#perTenant.delete(item.tenant)
    this.#turns.delete(item.tenant)
    return true
  }

  #add(item: T, isFirst: boolean): void {
    this.#places.set(item, { item, isFirst, sinceMs: this.#now() })
    this.#tokens += item.tokens
    this.#perTenant.set(item.tenant, (this.#perTenant.get(item.tenant) ?? 0) + 1)
    if (!this.#turns.has(item.tenant)) this.#turns.set(item.tenant, ++this.#turn)
  }

  /** @param places - of one class */
  *#inTurn(places: readonly Place<T>[]): Generator<T, void> {
    for (const { item, isFirst } of places) if (isFirst) yield item
    const byTenant = Map.groupBy(
      places.filter(({ isFirst }) => !isFirst),
      ({ item }) => item.tenant,
    )
    const turnOf = (tenant: string) => this.#turns.get(tenant) ?? 0
    const lists = [...byTenant].sort(([a], [b]) => turnOf(a) - turnOf(b)).map(([, list]) => list)
    const rounds = Math.max(0, ...lists.map((list) => list.length))
    for (let round = 0; round < rounds; round++) {
      for (const list of lists) {
        const place = list[round]
        if (place !== undefined) yield place.item
      }
    }
  }
}
