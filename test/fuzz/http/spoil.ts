import type { Random } from '../random.ts'

/** A change of a value, and its name. */
export interface Spoiled {
  readonly value: unknown
  readonly step: string
}

const LONG = 70_000
const DEEP = 100_000

/** Stand in a value for what is too deep to be one: {@link writeJson} writes it. */
export const DEEP_MARKS = [
  ['<deep list>', `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`],
  ['<deep object>', `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`],
  ['<deep schema>', `${'{"type":"object","properties":{"a":'.repeat(DEEP / 10)}true${'}}'.repeat(DEEP / 10)}`],
] as const

/** Values that are rarely meant. */
const STRANGE: readonly (readonly [name: string, make: () => unknown])[] = [
  ['null', () => null],
  ['true', () => true],
  ['an empty text', () => ''],
  ['a number as a text', () => '1'],
  ['zero', () => 0],
  ['minus one', () => -1],
  ['a half', () => 0.5],
  ['2^53', () => 2 ** 53],
  ['1e308', () => 1e308],
  ['-1e308', () => -1e308],
  ['an empty list', () => []],
  ['a list in a list', () => [[]]],
  ['an empty object', () => ({})],
  ['a long text', () => 'x'.repeat(LONG)],
  ['a lone surrogate', () => 'a\ud800b'],
  ['control characters', () => '\u0000\u001b[2J\u202e\r\n'],
  ['characters of four bytes', () => '😀𝒳'.repeat(200)],
  ['a long list', () => Array.from({ length: 20_000 }, () => 0)],
  ['a long list of objects', () => Array.from({ length: 3000 }, () => ({ type: 'text', text: 'a' }))],
  ['many fields', () => Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`f${at}`, at]))],
  ...DEEP_MARKS.map(([mark]) => [mark, () => mark] as const),
  ['a prototype', () => JSON.parse('{"__proto__": {"a": 1}, "constructor": {"prototype": {"b": 1}}}')],
]

/** Names of fields that nobody has asked for. */
const EXTRA = ['extra', '', '__proto__', 'constructor', 'toString', 'é', 'a b', 'x'.repeat(300)]

/** A value as JSON. @returns whether a parser can be expected to make the same value of it, too */
export function writeJson(value: unknown): { readonly text: string; readonly isPlain: boolean } {
  const plain = JSON.stringify(value) ?? ''
  const text = DEEP_MARKS.reduce((all, [mark, deep]) => all.replaceAll(JSON.stringify(mark), () => deep), plain)
  return { text, isPlain: text === plain }
}

/** Changes one part of a value, whichever. */
export function spoil(value: unknown, random: Random): Spoiled {
  const places = [...placesOf(value)]
  const at = random.pick(places)
  const kind = random.below(4)
  if (kind === 0 && at.length > 0)
    return { value: changed(value, at, () => undefined), step: `without ${at.join('.')}` }
  if (kind === 1) {
    const name = random.pick(EXTRA)
    const [, make] = random.pick(STRANGE)
    const value2 = changed(value, at, (inner) => (isRecord(inner) ? { ...inner, [name]: make() } : inner))
    return { value: value2, step: `${at.join('.')} with "${name.slice(0, 20)}"` }
  }
  if (kind === 2) {
    const other = random.pick(places)
    return { value: changed(value, at, () => read(value, other)), step: `${at.join('.')} is ${other.join('.')}` }
  }
  const [name, make] = random.pick(STRANGE)
  return { value: changed(value, at, make), step: `${at.join('.')} is ${name}` }
}

type Place = readonly (string | number)[]

/** All places in a value, itself the first. */
function* placesOf(value: unknown, at: Place = []): Generator<Place> {
  yield at
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value))
    yield* placesOf(inner, [...at, Array.isArray(value) ? Number(key) : key])
}

/** A copy with another part; one that becomes undefined is left out. */
function changed(value: unknown, [step, ...rest]: Place, change: (inner: unknown) => unknown): unknown {
  if (step === undefined) return change(value)
  const inner = changed(read(value, [step]), rest, change)
  if (Array.isArray(value))
    return value.flatMap((item, at) => (at !== step ? [item] : inner === undefined ? [] : [inner]))
  const entries = Object.entries(value ?? {}).map(([name, old]) => [name, name === step ? inner : old] as const)
  return Object.fromEntries(entries.filter(([, kept]) => kept !== undefined))
}

function read(value: unknown, at: Place): unknown {
  return at.reduce<unknown>(
    (inner, step) => (isRecord(inner) || Array.isArray(inner) ? Object(inner)[step] : undefined),
    value,
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
