/**
 * Masks as literal grids: as the runtime computes them, and as they are drawn. Rows are queries, columns keys.
 *
 * Where an image is longer than the window the references differ. Here the window limits an image looking back and not
 * looking ahead, as in Transformers since its pull request 46850 and in llama.cpp.
 */
import { describe, expect, it } from 'vitest'
import { attentionBias, attentionGrids, HIDDEN_BLOCK, imageBlocks, TEXT_BLOCK } from '../gemma3/mask.ts'
import { runGraph } from './testing/run-graph.ts'

/** A text `t`, the images `1` and `2`, padding `_`. */
interface Grid {
  readonly tokens: string
  readonly window: number
  /** `#` is seen; the local and the global row of each query. */
  readonly rows: readonly (readonly [local: string, global: string])[]
}

const GRIDS: Readonly<Record<string, Grid>> = {
  'text: the key W - 1 back is seen, the key W back is not': {
    tokens: 'ttttt',
    window: 3,
    rows: [
      ['#....', '#....'],
      ['##...', '##...'],
      ['###..', '###..'],
      ['.###.', '####.'],
      ['..###', '#####'],
    ],
  },
  'a window of one: a token sees itself': {
    tokens: 'ttt',
    window: 1,
    rows: [
      ['#..', '#..'],
      ['.#.', '##.'],
      ['..#', '###'],
    ],
  },
  'one image in a window that holds it': {
    tokens: 't111t',
    window: 4,
    rows: [
      ['#....', '#....'],
      ['####.', '####.'],
      ['####.', '####.'],
      ['####.', '####.'],
      ['.####', '#####'],
    ],
  },
  'one image, longer than the window': {
    tokens: 't11111t',
    window: 3,
    rows: [
      ['#......', '#......'],
      ['######.', '######.'],
      ['######.', '######.'],
      ['.#####.', '######.'],
      ['..####.', '######.'],
      ['...###.', '######.'],
      ['....###', '#######'],
    ],
  },
  'two images': {
    tokens: 't11t222t',
    window: 4,
    rows: [
      ['#.......', '#.......'],
      ['###.....', '###.....'],
      ['###.....', '###.....'],
      ['####....', '####....'],
      ['.######.', '#######.'],
      ['..#####.', '#######.'],
      ['...####.', '#######.'],
      ['....####', '########'],
    ],
  },
  'an image at the very start': {
    tokens: '111tt',
    window: 2,
    rows: [
      ['###..', '###..'],
      ['###..', '###..'],
      ['.##..', '###..'],
      ['..##.', '####.'],
      ['...##', '#####'],
    ],
  },
  'an image at the very end': {
    tokens: 'ttt111',
    window: 2,
    rows: [
      ['#.....', '#.....'],
      ['##....', '##....'],
      ['.##...', '###...'],
      ['..####', '######'],
      ['...###', '######'],
      ['....##', '######'],
    ],
  },
  'padding on the left': {
    tokens: '__t11t',
    window: 2,
    rows: [
      ['......', '......'],
      ['......', '......'],
      ['..#...', '..#...'],
      ['..###.', '..###.'],
      ['...##.', '..###.'],
      ['....##', '..####'],
    ],
  },
  'padding on the right': {
    tokens: 't11t__',
    window: 2,
    rows: [
      ['#.....', '#.....'],
      ['###...', '###...'],
      ['.##...', '###...'],
      ['..##..', '####..'],
      ['......', '......'],
      ['......', '......'],
    ],
  },
  'padding in between': {
    tokens: 't_1_1t',
    window: 9,
    rows: [
      ['#.....', '#.....'],
      ['......', '......'],
      ['#.#.#.', '#.#.#.'],
      ['......', '......'],
      ['#.#.#.', '#.#.#.'],
      ['#.#.##', '#.#.##'],
    ],
  },
}

const blocksOf = (tokens: string) =>
  Int32Array.from(tokens, (sign) => (sign === '_' ? HIDDEN_BLOCK : sign === 't' ? TEXT_BLOCK : Number(sign)))

function drawn(visible: ArrayLike<unknown>, columns: number): string[] {
  const signs = Array.from(visible, (seen) => (seen ? '#' : '.')).join('')
  return Array.from({ length: signs.length / columns }, (_, q) => signs.slice(q * columns, (q + 1) * columns))
}

/** The masks of the queries from `first` on, as the runtime computes them. */
async function computed(tokens: string, window: number, first = 0) {
  const [queries, count] = [tokens.length - first, tokens.length]
  const biases = await runGraph(
    (g) => {
      const slots = g.input('slots', 'int32', 'b t', ['b', 't'])
      const blocks = g.input('blocks', 'int32', 'b s', ['b', 's'])
      return [attentionBias(g, slots, blocks, window), attentionBias(g, slots, blocks, undefined)]
    },
    {
      slots: [[1, queries], Int32Array.from({ length: queries }, (_, t) => first + t)],
      blocks: [[1, count], blocksOf(tokens)],
    },
  )
  const [local = [], global = []] = biases.map((bias) => {
    // 0 leaves a score alone; a hidden one must drown it, and stay finite.
    expect(bias.every((value) => value === 0 || (value < -1e30 && Number.isFinite(value)))).toBe(true)
    return drawn(
      bias.map((value) => (value === 0 ? 1 : 0)),
      count,
    )
  })
  return local.map((row, q) => [row, global[q]] as const)
}

describe.each(Object.entries(GRIDS))('%s', (_, { tokens, window, rows }) => {
  it('is computed', async () => {
    // What a padding query sees is nobody's business.
    const isReal = (_row: unknown, q: number) => tokens[q] !== '_'
    expect((await computed(tokens, window)).filter(isReal)).toEqual(rows.filter(isReal))
  })

  it('is computed for the last queries alone, on top of what is cached', async () => {
    for (let first = 1; first < tokens.length; first++) {
      const isReal = (_row: unknown, q: number) => tokens[first + q] !== '_'
      const expected = rows.slice(first).filter(isReal)
      expect((await computed(tokens, window, first)).filter(isReal), `from ${first}`).toEqual(expected)
    }
  })

  it('is drawn', () => {
    const { local, global } = attentionGrids(blocksOf(tokens), window)
    expect(drawn(local, tokens.length)).toEqual(rows.map(([row]) => row))
    expect(drawn(global, tokens.length)).toEqual(rows.map(([, row]) => row))
  })
})

describe('rows side by side', () => {
  it('each have blocks and slots of their own', async () => {
    const [local] = await runGraph(
      (g) => {
        const slots = g.input('slots', 'int32', 'b t', ['b', 't'])
        return [attentionBias(g, slots, g.input('blocks', 'int32', 'b s', ['b', 's']), 2)]
      },
      {
        slots: [[2, 2], Int32Array.of(0, 1, 2, 3)],
        blocks: [[2, 4], Int32Array.of(1, 1, 0, 0, 0, 0, 1, 1)],
      },
    )
    const visible = (local ?? new Float32Array()).map((value) => (value === 0 ? 1 : 0))
    expect(drawn(visible, 4)).toEqual(['##..', '##..', '.###', '..##'])
  })
})

describe('blocks', () => {
  it('are the runs of image tokens, counted from 1', () => {
    const ids = [2, 7, 9, 9, 9, 8, 5, 7, 9, 9, 9, 8]
    expect([...imageBlocks(ids, 9)].join('')).toBe('001110002220')
  })
})
