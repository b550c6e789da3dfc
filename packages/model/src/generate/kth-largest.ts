/**
 * The k-th largest value, by one pass with a heap of k values: no sort of a 262,144-row vocabulary for its best 64.
 *
 * @param k - from 1; more than there are values gives the smallest
 */
export function kthLargest(values: Float32Array, k: number): number {
  const size = Math.min(k, values.length)
  // The smallest of the largest so far is at the root.
  const heap = values.slice(0, size)
  for (let at = (size >> 1) - 1; at >= 0; at--) siftDown(heap, at)
  let root = heap[0] as number // callers pass at least one value
  for (let at = size; at < values.length; at++) {
    const value = values[at] as number // within bounds
    if (value <= root) continue
    heap[0] = value
    siftDown(heap, 0)
    root = heap[0] as number // as above
  }
  return root
}

function siftDown(heap: Float32Array, start: number): void {
  const value = heap[start] as number // both callers start inside of the heap
  let at = start
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && (heap[child + 1] as number) < (heap[child] as number)) child++
    const smaller = heap[child] as number // checked against the length above
    if (smaller >= value) break
    heap[at] = smaller
    at = child
  }
  heap[at] = value
}
