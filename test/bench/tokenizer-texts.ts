import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Random } from '../loupe-tiny/random.ts'

/** Characters of one text that is timed. */
const TEXT_UNITS = 100_000

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)))
const filled = (text: string) => text.repeat(Math.ceil(TEXT_UNITS / text.length)).slice(0, TEXT_UNITS)

/** Texts to time, 100,000 characters each; the mixed one holds all kinds, and strings that no cache has seen. */
export function timedTexts(): Readonly<Record<string, string>> {
  const rows = gunzipSync(read('test/golden/text/token-ids.jsonl.gz')).toString().trim().split('\n')
  const golden = rows.map((row): string => JSON.parse(row).text)
  const prose = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/performance.md'].map((path) => read(path))
  const code = ['text-encoder.ts', 'artifact.ts', 'pair-merger.ts', 'piece-index.ts', 'words.ts']
  const sources = code.map((name) => read(`packages/shared/src/tokenizer/${name}`).toString())
  const base64 = read('test/golden/image/input/chelsea-420.jpg').toString('base64')
  const scripts = golden.filter((text) => /[\u3040-\u9fff\uac00-\ud7a3]/.test(text)).join('')
  const part = TEXT_UNITS / 5
  const mixed = [prose.join('\n').slice(0, 1.5 * part), sources.join('\n').slice(0, part), golden.join('\n')]
  return {
    mixed: filled([...mixed, base64.slice(0, part / 10)].join('\n')),
    prose: filled(prose.join('\n')),
    code: filled(sources.join('\n')),
    'other scripts': filled(scripts),
    base64: filled(base64),
    'one letter': 'a'.repeat(TEXT_UNITS),
    spaces: ' '.repeat(TEXT_UNITS),
  }
}

const SPECIAL = ['<bos>', '<eos>', '<start_of_turn>', '<end_of_turn>', '<image_soft_token>', '<unused7>', '<mask>']
const BROKEN = ['<start_of_turn', '<<end_of_turn>>', '<unused', '<bos', '<0x0A>', '[multimodal', '</b', '> </', '>▁</']
const SPACES = [' ', '  ', '   ', '\n', '\n\n', '\t', '\r\n', '▁', '▁▁', '\u00a0', '\u3000', '\u200b', '\ufeff']
const EMOJI = ['🙂', '👩‍👩‍👧', '🇩🇪', '👍🏽', '❤️', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '1️⃣']
const CODE = [
  '() => {',
  '});',
  '!==',
  '  return ',
  '/* ',
  ' */',
  '0x7f',
  '#include <',
  'def f(x):\n    ',
  '&&',
  '</div>',
]
/** Where characters are taken from: the planes of Unicode, the lower ones more often. */
const PLANES: readonly (readonly [low: number, high: number])[] = [
  [0, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xffff],
  [0x4e00, 0x9fff],
  [0x10000, 0x1ffff],
  [0x20000, 0x2fa1f],
  [0xe0000, 0x10ffff],
]

/** A string of a few parts, each of another kind. @param pieces - of the vocabulary, to be glued together */
export function randomText(random: Random, pieces: readonly string[]): string {
  const parts = Array.from({ length: random.integer(1, 8) }, () => random.pick(KINDS)(random, pieces))
  return parts.join(random.chance(0.3) ? ' ' : '')
}

type Kind = (random: Random, pieces: readonly string[]) => string

const several = (random: Random, most: number, make: () => string) =>
  Array.from({ length: random.integer(1, most) }, make).join('')

const KINDS: readonly Kind[] = [
  (random) => several(random, 12, () => character(random)),
  (random, pieces) => several(random, 6, () => random.pick(pieces)),
  (random, pieces) => several(random, 6, () => random.pick(pieces).slice(random.integer(0, 2))),
  (random) => random.pick(SPACES).repeat(random.integer(1, 40)),
  (random) => several(random, 4, () => random.pick(SPACES)),
  (random) => several(random, 3, () => random.pick(SPECIAL)),
  (random) => several(random, 3, () => random.pick(BROKEN)),
  (random) => several(random, 4, () => random.pick(EMOJI)),
  (random) => several(random, 6, () => random.pick(CODE)),
  (random) => Buffer.from(several(random, 40, () => character(random))).toString('base64'),
  (random) => String(random.integer(0, 2 ** 31)),
  (random) => random.pick(['a', 'ab', '=', '-', 'ha', '\ue123', 'é']).repeat(random.integer(1, 60)),
  // Half of a pair, alone.
  (random) => String.fromCharCode(random.integer(0xd800, 0xdfff)),
]

function character(random: Random): string {
  const [low, high] = random.pick(PLANES)
  return String.fromCodePoint(random.integer(low, high))
}
