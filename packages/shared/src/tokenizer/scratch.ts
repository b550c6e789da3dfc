/** Elements kept between calls; what a long text needed beyond it is given back. */
const KEPT = 1 << 15

/** Whether scratch memory of `room` elements serves for `count` of them: large enough, and no left-over of a long text. */
export function serves(room: number, count: number): boolean {
  return room >= count && (room <= KEPT || count > KEPT)
}
