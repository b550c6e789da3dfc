import { concatBytes, latin1Bytes, viewOf } from '../containers/bytes.ts'
import type { Random } from '../random.ts'

const ORIENTATION = 0x0112
const ENTRY_BYTES = 12

/**
 * A TIFF block as cameras write it, or one that means harm: directories that point at themselves, more entries than
 * bytes, types that do not exist, an orientation that is none.
 */
export function hostileExif(random: Random): Uint8Array {
  const isLittle = random.chance(0.5)
  const entries = random.between(0, 4)
  const block = new Uint8Array(8 + 2 + entries * ENTRY_BYTES + 4)
  block.set(latin1Bytes(isLittle ? 'II*\0' : 'MM\0*'))
  const view = viewOf(block)
  view.setUint32(4, random.pick([8, 8, 8, 0, 4, 0xffff_fff0, block.byteLength - 1]), isLittle)
  view.setUint16(8, random.pick([entries, entries, 0xffff]), isLittle)
  for (let i = 0; i < entries; i++) {
    const at = 10 + i * ENTRY_BYTES
    view.setUint16(at, random.pick([ORIENTATION, ORIENTATION, 0x8769, 0x0100]), isLittle)
    view.setUint16(at + 2, random.pick([3, 3, 4, 0, 13, 0xffff]), isLittle)
    view.setUint32(at + 4, random.pick([1, 0, 0xffff_ffff]), isLittle)
    view.setUint16(at + 8, random.pick([1, 3, 6, 8, 0, 9, 8, 0xffff]), isLittle)
  }
  view.setUint32(block.byteLength - 4, random.pick([0, 8, 0xffff_ffff]), isLittle)
  return random.chance(0.2) ? concatBytes([latin1Bytes('Exif\0\0'), block]) : block
}
