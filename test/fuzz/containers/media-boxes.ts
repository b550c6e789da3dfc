import { bigEndian32, concatBytes, latin1Bytes, latin1Text, viewOf } from './bytes.ts'

/** A box of an ISO media file: the container of AVIF and HEIC. */
export interface MediaBox {
  readonly type: string
  /** What stands before the boxes inside; all of it where there are none. */
  readonly head: Uint8Array
  readonly children: readonly MediaBox[]
}

/** Bytes before the boxes inside. */
const CONTAINERS: Readonly<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0, iref: 4, iinf: 6, moov: 0, trak: 0 }
const DEPTH = 4

/** The boxes of a file, as far as they are whole. */
export function splitMedia(bytes: Uint8Array, depth = DEPTH): MediaBox[] {
  const boxes: MediaBox[] = []
  const view = viewOf(bytes)
  for (let at = 0; at + 8 <= bytes.byteLength; ) {
    const length = view.getUint32(at)
    const end = length === 0 ? bytes.byteLength : at + length
    if (end > bytes.byteLength || end < at + 8) break
    boxes.push(boxOf(latin1Text(bytes.subarray(at + 4, at + 8)), bytes.subarray(at + 8, end), depth))
    at = end
  }
  return boxes
}

function boxOf(type: string, content: Uint8Array, depth: number): MediaBox {
  const head = depth > 0 ? CONTAINERS[type] : undefined
  if (head === undefined || head > content.byteLength) return { type, head: content, children: [] }
  const children = splitMedia(content.subarray(head), depth - 1)
  const isWhole = children.reduce((sum, child) => sum + joinMedia([child]).byteLength, head) === content.byteLength
  return isWhole ? { type, head: content.subarray(0, head), children } : { type, head: content, children: [] }
}

/** A file of these boxes. */
export function joinMedia(boxes: readonly MediaBox[]): Uint8Array {
  return concatBytes(
    boxes.map(({ type, head, children }) => {
      const inside = joinMedia(children)
      const length = 8 + head.byteLength + inside.byteLength
      return concatBytes([bigEndian32(length), latin1Bytes(type), head, inside])
    }),
  )
}

/** Puts every box through `change`, the ones inside first. */
export function mapBoxes(boxes: readonly MediaBox[], change: (box: MediaBox) => MediaBox): MediaBox[] {
  return boxes.map((box) => change({ ...box, children: mapBoxes(box.children, change) }))
}

/** Every box, the ones inside too. */
export function allBoxes(boxes: readonly MediaBox[]): MediaBox[] {
  return boxes.flatMap((box) => [box, ...allBoxes(box.children)])
}
