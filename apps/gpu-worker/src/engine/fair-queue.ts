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

/**
 * A bounded queue: the best priority first, inside it one item of each tenant in turn, inside a tenant first come first
 * served. A tenant with a thousand requests delays another one's first request by one turn.
 */
export class FairQueue<T extends QueueItem> {
  readonly #limits: QueueLimits
  /** Priority to tenant to items. A tenant that had its turn moves to the end of its map. */
  readonly #lanes = new Map<number, Map<string, T[]>>()
  readonly #perTenant = new Map<string, number>()
  #size = 0
  #tokens = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#size
  }

  get tokens(): number {
    return this.#tokens
  }

  /** Whether the item may wait. An empty queue takes any item: one that fits the model must not be refused for good. */
  hasRoomFor(item: QueueItem): boolean {
    if (this.#size === 0) return true
    return (
      this.#size < this.#limits.requests &&
      (this.#perTenant.get(item.tenant) ?? 0) < this.#limits.requestsPerTenant &&
      this.#tokens + item.tokens <= this.#limits.tokens
    )
  }

  push(item: T): void {
    this.#itemsLike(item).push(item)
    this.#count(item, 1)
  }

  /** Puts back what had its turn already: before everything else of its tenant, and its tenant before the others. */
  pushFront(item: T): void {
    const items = this.#itemsLike(item)
    items.unshift(item)
    this.#count(item, 1)
    const tenants = this.#lanes.get(item.priority) ?? new Map<string, T[]>()
    tenants.delete(item.tenant)
    this.#lanes.set(item.priority, new Map([[item.tenant, items], ...tenants]))
  }

  /** Everything that waits, in the order in which it would have its turn. */
  *inOrder(): Generator<T, void> {
    for (const priority of [...this.#lanes.keys()].sort((a, b) => a - b)) {
      const tenants = [...(this.#lanes.get(priority)?.values() ?? [])].map((items) => [...items])
      const rounds = Math.max(0, ...tenants.map((items) => items.length))
      for (let round = 0; round < rounds; round++) {
        for (const items of tenants) {
          const item = items[round]
          if (item !== undefined) yield item
        }
      }
    }
  }

  /** Whose turn it is among those that are ready. */
  first<S extends T>(isReady: (item: T) => item is S): S | undefined {
    for (const item of this.inOrder()) if (isReady(item)) return item
    return undefined
  }

  /** Takes out whose turn it is among those that are ready. */
  shift<S extends T>(isReady: (item: T) => item is S): S | undefined {
    const item = this.first(isReady)
    if (item === undefined) return undefined
    this.remove(item)
    const tenants = this.#lanes.get(item.priority)
    const rest = tenants?.get(item.tenant)
    if (tenants !== undefined && rest !== undefined) {
      tenants.delete(item.tenant)
      tenants.set(item.tenant, rest)
    }
    return item
  }

  /** Takes out an item that gave up waiting. @returns whether it was there */
  remove(item: T): boolean {
    const tenants = this.#lanes.get(item.priority)
    const items = tenants?.get(item.tenant)
    const at = items?.indexOf(item) ?? -1
    if (tenants === undefined || items === undefined || at < 0) return false
    items.splice(at, 1)
    if (items.length === 0) tenants.delete(item.tenant)
    if (tenants.size === 0) this.#lanes.delete(item.priority)
    this.#count(item, -1)
    return true
  }

  #itemsLike({ priority, tenant }: T): T[] {
    const tenants = getOrAdd(this.#lanes, priority, () => new Map<string, T[]>())
    return getOrAdd(tenants, tenant, () => [])
  }

  #count(item: QueueItem, sign: 1 | -1): void {
    this.#size += sign
    this.#tokens += sign * item.tokens
    const left = (this.#perTenant.get(item.tenant) ?? 0) + sign
    if (left === 0) this.#perTenant.delete(item.tenant)
    else this.#perTenant.set(item.tenant, left)
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
