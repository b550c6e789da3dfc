import { mutantsOf } from '../mutant.ts'

const PREFIX = 'apps/gpu-worker/src/prefix'
const SPECULATE = 'apps/gpu-worker/src/speculate'
const OF_PREFIXES = [`${PREFIX}/sequence-blocks.test.ts`, `${PREFIX}/prefix-blocks.test.ts`]

/** What of earlier sequences is used again, and how they tell what follows. */
export const PREFIX_MUTANTS = [
  ...mutantsOf(`${PREFIX}/sequence-blocks.ts`, OF_PREFIXES, {
    'block-without-past': [
      'The key of a block stands for all tokens before it.',
      [".update(before, 'hex')", ".update(this.#options.salt, 'hex')"],
    ],
    'block-without-pictures': [
      'Blocks of other pictures with the same ids have other keys.',
      ["hash.update(digests[this.#picturesBefore] ?? '', 'hex')", ''],
    ],
    'block-in-picture': [
      'A block does not end inside of a picture.',
      ['while (ids[end - 1] === imageTokenId && ids[end] === imageTokenId) end++', ''],
    ],
  }),
  ...mutantsOf(`${PREFIX}/prefix-blocks.ts`, OF_PREFIXES, {
    'tenants-share-blocks': ['Tenants share no keys.', ['.update(scope)', '']],
    'nothing-left-to-compute': [
      'A prompt that is known to its end has a token that is computed.',
      ['end < inputIds.length', 'end <= inputIds.length'],
    ],
    'block-that-is-gone': [
      'Nothing is taken from a sequence that layers with a window have let go of.',
      ['own.from >= slot.heldFrom && ', ''],
    ],
  }),
  ...mutantsOf(`${PREFIX}/block-store.ts`, [`${PREFIX}/block-store.test.ts`], {
    'chain-broken': [
      'What is longest unused never has a block behind it.',
      ['[...found.entries()].reverse()', 'found.entries()'],
    ],
    'budget-of-one-block': [
      'A block is kept only if there is room for those before it as well.',
      ['if (needed > this.#capacityBytes) return', 'if (block.bytes > this.#capacityBytes) return'],
    ],
  }),
  ...mutantsOf(`${SPECULATE}/prompt-lookup.ts`, [`${SPECULATE}/prompt-lookup.test.ts`], {
    'three-must-match': [
      'Two tokens that stood there before are enough to guess by.',
      ['[LEAST_MATCHED - 1, 0]', '[LEAST_MATCHED, 0]'],
    ],
  }),
  ...mutantsOf(`${SPECULATE}/prompt-speculator.ts`, [`${SPECULATE}/prompt-speculator.test.ts`], {
    'costs-do-not-count': [
      'Guesses are made only where a run over several tokens is cheaper than several runs.',
      ['/ this.#cost.of(length + 1)', ''],
    ],
    'failures-do-not-count': [
      'Where guesses are wrong they stop.',
      ['judged?.record(drafted, accepted)', 'judged?.record(drafted, drafted)'],
    ],
  }),
]
