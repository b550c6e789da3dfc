import { mutantsOf } from '../mutant.ts'

const GENERATE = 'packages/model/src/generate'
const DRAWS = 'test/property/sampling-distribution.test.ts'
const SAMPLER = `${GENERATE}/sampler.test.ts`
const GOLDEN = 'test/golden/sampling/sampling.test.ts'

/** How a token is chosen. */
export const SAMPLING_MUTANTS = [
  ...mutantsOf(`${GENERATE}/penalties.ts`, [`${GENERATE}/penalties.test.ts`], {
    'repetition-divides-always': [
      'Repetition makes a score below 0 lower still.',
      ['logit < 0 ? logit * penalty : logit / penalty', 'logit / penalty'],
    ],
    'repetition-of-answer-only': [
      'Repetition looks at the prompt, too.',
      ['repel(logits, promptIds, counts,', 'repel(logits, new Set(), counts,'],
    ],
    'repetition-twice': ['A token of prompt and answer is repelled once.', ['if (!prompt.has(id)) change', 'change']],
    'frequency-once': ['Frequency counts every time.', ['Math.fround(frequency) * count', 'Math.fround(frequency)']],
    'bias-last': [
      'A bias is added before repetition looks at the sign.',
      ['for (const [id, value] of bias) change(logits, id, (logit) => logit + value)\n      if', 'if'],
      [
        '        change(logits, id, (logit) => logit - Math.fround(presence))\n      }',
        '        change(logits, id, (logit) => logit - Math.fround(presence))\n      }\n      for (const [id, value] of bias) change(logits, id, (logit) => logit + value)',
      ],
    ],
  }),
  ...mutantsOf(`${GENERATE}/filters.ts`, [GOLDEN, `${GENERATE}/filters.test.ts`, DRAWS], {
    'top-k-without-ties': ['All that tie with the k-th pass.', ['scoreOf(id) >= threshold', 'scoreOf(id) > threshold']],
    'min-p-absolute': [
      'Min-p is a share of the likeliest.',
      ['Math.fround(minP) * Math.fround(1 / total)', 'Math.fround(minP)'],
    ],
    'top-p-ties-low': ['Of ties at the edge of top-p the higher ids pass.', ['tiesLeft-- > 0', 'false']],
  }),
  ...mutantsOf(`${GENERATE}/nucleus.ts`, [GOLDEN, `${GENERATE}/filters.test.ts`], {
    'nucleus-empty': ['One token is left at least.', ['dropped < scores.length - 1', 'dropped < scores.length']],
    'nucleus-without-edge': [
      'The token that crosses the share stays.',
      ['<= Math.fround(1 - topP)', '< Math.fround(1 - topP)'],
    ],
  }),
  ...mutantsOf(`${GENERATE}/sampler.ts`, [SAMPLER], {
    'bans-before-bias': [
      'No bias and no mask brings a banned id back.',
      ['    for (const id of bannedIds) copy[id] = Number.NEGATIVE_INFINITY\n    return copy', '    return copy'],
    ],
    'positions-from-0': ['An answer that goes on keeps its places.', ['answeredIds.length + position', 'position']],
    'one-stream': ['Each choice has draws of its own.', ['place, choice)', 'place)']],
  }),
  ...mutantsOf(`${GENERATE}/token-constraint.ts`, [`${GENERATE}/token-constraint.test.ts`], {
    'mask-ends-open': [
      'What the mask does not reach may not come next.',
      ['mask[first >> 5] ?? 0', 'mask[first >> 5] ?? -1'],
    ],
  }),
]
