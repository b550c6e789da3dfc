import { bigEndian32, latin1Bytes } from '../containers/bytes.ts'
import { allBoxes, joinMedia, type MediaBox, mapBoxes, splitMedia } from '../containers/media-boxes.ts'
import type { Random } from '../random.ts'
import { flipBits } from './bytes.ts'
import { anySide, type Mutator, partsMutator, rearrange } from './mutator.ts'

const AVIF = { split: (bytes: Uint8Array) => splitMedia(bytes), join: joinMedia }
const PROPERTIES = ['irot', 'imir', 'clap', 'pasp', 'pixi', 'colr', 'auxC', 'ispe', 'av1C', 'free']
const BRANDS = ['avif', 'avis', 'heic', 'mif1', 'msf1', 'miaf', 'MA1B', 'isom', '\0\0\0\0']

const part = (name: string, change: Parameters<typeof partsMutator<MediaBox>>[2]) => partsMutator(name, AVIF, change)

/** Changes one of the boxes of these types. */
function changeOne(
  boxes: readonly MediaBox[],
  random: Random,
  types: readonly string[],
  change: (box: MediaBox) => MediaBox,
): MediaBox[] | undefined {
  const meant = allBoxes(boxes).filter(({ type }) => types.includes(type))
  if (meant.length === 0) return undefined
  const chosen = random.below(meant.length)
  let seen = 0
  return mapBoxes(boxes, (box) => {
    if (!types.includes(box.type)) return box
    return seen++ === chosen ? change({ ...box, head: box.head.slice() }) : box
  })
}

const flipHead = (random: Random) => (box: MediaBox) => ({ ...box, head: flipBits(box.head, random) })

/** Version and flags, width, height. */
function changeSize(box: MediaBox, random: Random): MediaBox {
  if (box.head.byteLength < 12) return box
  box.head.set(
    bigEndian32(random.chance(0.1) ? random.pick([2 ** 31, 2 ** 32 - 1]) : anySide(random)),
    4 * random.between(1, 2),
  )
  return box
}

function changeBrand(box: MediaBox, random: Random): MediaBox {
  const brands = Math.max(1, box.head.byteLength >> 2)
  const at = 4 * random.below(brands)
  if (at + 4 <= box.head.byteLength) box.head.set(latin1Bytes(random.pick(BRANDS)), at)
  return box
}

/** Changes that know what an AVIF is made of. Most keep every length, since places in the file are absolute. */
export const AVIF_MUTATORS: readonly Mutator[] = [
  part('AVIF boxes rearranged', rearrange),
  part('AVIF properties rearranged', (boxes, random, others) =>
    changeOne(boxes, random, ['ipco', 'meta', 'iinf', 'iprp'], (box) => ({
      ...box,
      children: rearrange(box.children, random, allBoxes(others)),
    })),
  ),
  part('AVIF size changed', (boxes, random) => changeOne(boxes, random, ['ispe'], (box) => changeSize(box, random))),
  part('an AVIF property turned into another', (boxes, random) =>
    changeOne(boxes, random, PROPERTIES, (box) => ({ ...box, type: random.pick(PROPERTIES) })),
  ),
  part('AVIF property changed', (boxes, random) => changeOne(boxes, random, PROPERTIES, flipHead(random))),
  part('AVIF places changed', (boxes, random) =>
    changeOne(boxes, random, ['iloc', 'ipma', 'pitm', 'iinf', 'infe', 'iref', 'hdlr'], flipHead(random)),
  ),
  part('AVIF brands changed', (boxes, random) => changeOne(boxes, random, ['ftyp'], (box) => changeBrand(box, random))),
  part('bits flipped in AVIF data', (boxes, random) => changeOne(boxes, random, ['mdat'], flipHead(random))),
  part('bits flipped at the start of AVIF data', (boxes, random) =>
    changeOne(boxes, random, ['mdat'], (box) => {
      box.head.set(flipBits(box.head.subarray(0, 24), random))
      return box
    }),
  ),
]
