import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const RESCALED = [`${MODEL}/gemma3/residual-stream.test.ts`, 'test/golden/devices/float16.test.ts']
const CAUSAL = ['test/golden/devices/causal.test.ts']

/** How other devices than a CPU compute the same. */
export const DEVICE_MUTANTS = [
  ...mutantsOf(`${MODEL}/gemma3/residual-stream.ts`, RESCALED, {
    'stream-epsilon-unscaled': [
      'Where the stream is held c times as large, an epsilon is c² times as large.',
      ['norm.epsilon * scale ** 2', 'norm.epsilon * scale'],
    ],
    'stream-gains-unscaled': [
      'What is written into a smaller stream is as much smaller.',
      ['(scale === 1 ? norm : { ...norm, factor: scale })', '(norm)'],
    ],
    'stream-enters-unscaled': [
      'What enters a smaller stream is as much smaller.',
      ['cast(g, times(g, x, scale), activations)', 'cast(g, x, activations)'],
    ],
    'stream-leaves-unscaled': [
      'What leaves a smaller stream has its own size again.',
      ["times(g, cast(g, x, 'float32'), 1 / scale)", "cast(g, x, 'float32')"],
    ],
  }),
  ...mutantsOf(`${MODEL}/graph/ops/masked-attention.ts`, CAUSAL, {
    'masked-attention-groups': [
      'Attention by a mask gives neighbouring query heads the same key head.',
      ["'b t k e h', [batch, tokens, k, group, h])", "'b t e k h', [batch, tokens, group, k, h])"],
      ["'b k e t h', [0, 2, 3, 1, 4])", "'b k e t h', [0, 3, 2, 1, 4])"],
    ],
    'masked-attention-unmasked': [
      'Attention by a mask hides what the mask hides.',
      ["softmax(g, add(g, cast(g, scores, 'float32'), named(bias)))", "softmax(g, cast(g, scores, 'float32'))"],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/cache.ts`, CAUSAL, {
    'causal-where-masked': [
      'A step with pictures or padding attends by its mask, whatever the operator knows.',
      ['g.choose(isMasked, masked, seen)', 'g.choose(isMasked, seen, masked)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/mask.ts`, CAUSAL, {
    'padding-is-no-mask': ['A step with padding is masked.', ['if (blocks.includes(HIDDEN_BLOCK)) return true', '']],
    'picture-of-first-slot-only': [
      'A step whose queries belong to a picture is masked.',
      ['* filled + slot] ?? 0) > TEXT_BLOCK', '* filled] ?? 0) > TEXT_BLOCK'],
    ],
  }),
]
