import type { MergeRules } from './merge-rules.ts'
import { NumberHeap } from './number-heap.ts'
import { serves } from './scratch.ts'

/** Priorities stay below 2 ** 28 and positions below this, so one exact double orders by priority, then position. */
const POSITIONS = 2 ** 25

/**
 * Byte-pair merging of one word at a time: best rule first, leftmost first among equals, until none applies.
 *
 * The symbols are a doubly linked list over the word; a heap holds the pairs that may merge. An entry goes stale when
 * one of its symbols merges elsewhere and is dropped when it surfaces, so the cost is O(n log n) for any text.
 */
export class PairMerger {
  readonly #rules: MergeRules
  readonly #heap = new NumberHeap()
  /** Symbol ids; the caller fills them before `merge`. Valid until the next `reserve`. */
  symbols = new Int32Array(0)
  #next = new Int32Array(0)
  #previous = new Int32Array(0)
  /** The rule that would join the symbol with its right neighbour, or -1. */
  #pending = new Int32Array(0)

  constructor(rules: MergeRules) {
    this.#rules = rules
  }

  /** Makes room for `count` symbols. */
  reserve(count: number): void {
    if (serves(this.symbols.length, count)) return
    const size = Math.max(count, 256)
    this.symbols = new Int32Array(size)
    this.#next = new Int32Array(size)
    this.#previous = new Int32Array(size)
    this.#pending = new Int32Array(size)
  }

  /** Merges the first `count` symbols and appends what is left to `out`. */
  merge(count: number, out: number[]): void {
    // All pairs to begin with. Each merge takes an entry off and adds two, one of them instead of one that went stale.
    this.#heap.reset(count)
    for (let at = 0; at < count; at += 1) {
      this.#next[at] = at + 1 < count ? at + 1 : -1
      this.#previous[at] = at - 1
    }
    for (let at = 0; at < count; at += 1) this.#offer(at)
    while (this.#heap.size > 0) this.#apply(this.#heap.pop())
    for (let at = 0; at >= 0 && at < count; at = this.#next[at] ?? -1) out.push(this.symbols[at] ?? 0)
  }

  /** Looks up the rule for the pair that starts at `at` and queues it. */
  #offer(at: number): void {
    const right = this.#next[at] ?? -1
    const left = this.symbols[at] ?? 0
    const rule = right < 0 ? -1 : this.#rules.find(left, this.symbols[right] ?? 0)
    this.#pending[at] = rule
    if (rule >= 0) this.#heap.push(this.#rules.priority(rule, left) * POSITIONS + at)
  }

  #apply(entry: number): void {
    const at = entry % POSITIONS
    const rule = this.#pending[at] ?? -1
    if (rule < 0 || this.#rules.priority(rule, this.symbols[at] ?? 0) !== (entry - at) / POSITIONS) return
    const right = this.#next[at] ?? 0
    const after = this.#next[right] ?? -1
    this.symbols[at] = this.#rules.result(rule)
    this.#pending[right] = -1
    this.#next[at] = after
    if (after >= 0) this.#previous[after] = at
    this.#offer(at)
    const before = this.#previous[at] ?? -1
    if (before >= 0) this.#offer(before)
  }
}
