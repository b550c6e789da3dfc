import { mutantsOf } from '../mutant.ts'

const PIPELINE = 'packages/model/src/pipeline'
const POOL = ['test/golden/vl/pool.test.ts']
const SAVED = ['test/golden/vl/pool-saved.test.ts']

/** Sequences side by side, and what is kept of them. */
export const POOL_MUTANTS = [
  ...mutantsOf(`${PIPELINE}/pool-steps.ts`, POOL, {
    'decoded-at-the-same-position': [
      'Each sequence of a batch counts on from its own length.',
      [
        'positions: Int32Array.from(rows, ({ length }) => length)',
        'positions: new Int32Array(rows.length).fill(rows[0]?.length ?? 0)',
      ],
    ],
    'logits-in-order-of-rows': [
      'Logits come in the order in which tokens were given.',
      [
        'Array.from(tokens.keys(), (slot) => rows.indexOf(slot))',
        'Array.from(tokens.keys(), (slot) => rows.indexOf(slot)).sort()',
      ],
    ],
    'local-slots-of-whole-sequence': [
      'Layers with a window count slots from the first token that they have.',
      ['slot.length - firstTokens(slot)[kind]', 'slot.length'],
    ],
    'decoded-batch-as-long-as-its-first': [
      'A batch reaches as far as its longest sequence.',
      ['Math.max(...slots) + 1', '(slots[0] ?? 0) + 1'],
    ],
  }),
  ...mutantsOf(`${PIPELINE}/local-room.ts`, POOL, {
    'window-kept-short': [
      'Layers with a window keep all that can be seen after going back.',
      ['text.slidingWindow - 1 + REWIND_TOKENS', 'text.slidingWindow - 2'],
    ],
    'rewind-not-kept': [
      'What can be gone back to is kept as well.',
      ['text.slidingWindow - 1 + REWIND_TOKENS', 'text.slidingWindow - 1'],
    ],
    'back-unchecked': [
      'Nobody goes back to where less is left than can be seen.',
      ['base <= Math.max(0, tokens - this.#window + 1)', 'base <= tokens'],
    ],
  }),
  ...mutantsOf(`${PIPELINE}/pool-memory.ts`, POOL, {
    'window-not-moved': [
      'What layers with a window keep is moved to the front.',
      ['this.#chainOf(slot).moveToFront(row, { from: from - base, end: length - base })', ''],
    ],
    'cancelled-window-lost': [
      'A prompt that is cancelled gives layers with a window back what they had.',
      ['const isOverwritten = length > 0 && !', 'const isOverwritten = length < 0 && !'],
    ],
    'neighbour-written-over': [
      'A row without a token in a batch has a slot to spare.',
      ['const spare = rows > 1 ? 1 : 0', 'const spare = 0'],
    ],
    'moved-without-its-contents': [
      'A sequence that changes its row takes its keys and values along.',
      ['this.#chainOf(slot).copyRow(row, empty.row, { local: length - base, global: length })', ''],
    ],
  }),
  ...mutantsOf(`${PIPELINE}/pool-memory.ts`, SAVED, {
    'restored-at-the-front': [
      'What is restored goes behind what is there.',
      ['global: { slot: length, from: 0, end: tokens }', 'global: { slot: 0, from: 0, end: tokens }'],
    ],
    'restored-window-begins-early': [
      'Of what is restored, layers with a window take the tokens that they keep.',
      [
        'local: { slot: Math.max(0, from - base), from: from - localFrom',
        'local: { slot: Math.max(0, from - base), from: 0',
      ],
    ],
    'restored-window-not-moved': [
      'What layers with a window had moves when more is restored.',
      ['if (base > slot.base && base < length) {', 'if (base < slot.base) {'],
    ],
    'copied-window-from-zero': ['A copy has the same tokens in layers with a window.', ['    to.keepFrom(base)\n', '']],
  }),
  ...mutantsOf('packages/model/src/gemma3/key-value-cache.ts', SAVED, {
    'values-not-saved': [
      'Keys and values are both saved.',
      ['for (const { data } of [keys, values])', 'for (const { data } of [keys])'],
    ],
    'first-head-only': ['Every head is saved.', ['start: row * rowBytes + head * stride', 'start: row * rowBytes']],
    'first-row-for-all': ['Each sequence has its own row.', ['start: row * rowBytes +', 'start:']],
  }),
]
