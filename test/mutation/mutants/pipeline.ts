import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const GOLDEN = 'test/golden/vl/vl.test.ts'
const CACHED = 'test/golden/vl/cached.test.ts'
const CONVERSATION = 'test/golden/vl/conversation.test.ts'
const STAGES = ['test/golden/vl/stages.test.ts']

/** What is round the graphs: positions, padding, cache, loss, stages. */
export const PIPELINE_MUTANTS = [
  ...mutantsOf(`${MODEL}/pipeline/batch.ts`, [CONVERSATION, CACHED, GOLDEN], {
    'positions-count-padding': [
      'Padding does not count as a position.',
      ['if (!isPadding(token)) positions[token] = position++', 'positions[token] = position++'],
    ],
    'padding-not-hidden': ['Nobody sees padding.', ['isPadding(token) ? HIDDEN_BLOCK : block', 'block']],
    'positions-stand-still': ['Positions count up.', ['positions[token] = position++', 'positions[token] = position']],
    'blocks-of-first-row-for-all': [
      'Each row has pictures of its own.',
      ['blocks.set(imageBlocks(own, ', 'blocks.set(imageBlocks(ids.subarray(0, tokens), '],
    ],
  }),
  ...mutantsOf(`${MODEL}/pipeline/prompt-tokens.ts`, [CONVERSATION, CACHED, GOLDEN], {
    'features-in-reverse': [
      'Features stand in the order of the pictures.',
      ['joined.set(feature, index * size)', 'joined.set(feature, (features.length - 1 - index) * size)'],
    ],
    'image-split-between-parts': [
      'A picture is never split between two parts of a prompt.',
      ['if (ids[end - 1] === imageTokenId && ids[end] === imageTokenId) continue', ''],
    ],
    'features-of-first-part-for-all': [
      'Each part of a prompt takes its own features.',
      ['usedRows += imageRows.length', ''],
    ],
  }),
  ...mutantsOf(`${MODEL}/pipeline/language-model.ts`, ['test/golden/vl/checkpoints.test.ts'], {
    'image-token-looked-up': [
      'The image token need not be a row of the table.',
      ['id === config.imageTokenId ? config.padTokenId : id', 'id'],
    ],
  }),
  ...mutantsOf(`${MODEL}/pipeline/pool-steps.ts`, [CONVERSATION, CACHED, GOLDEN], {
    'slots-start-anew': [
      'A step writes behind what is cached.',
      ['(_, index) => filled + index)', '(_, index) => index)'],
    ],
    'positions-start-anew-in-each-part': [
      'A step counts on from what is cached.',
      ['(_, index) => start + index)', '(_, index) => index)'],
    ],
    'blocks-before-the-part': [
      'The tokens of a picture see all of it, behind whatever is cached.',
      ['all.set(blocks, filled)', 'all.set(blocks)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/pipeline/sequence-pool.ts`, [CONVERSATION, CACHED, GOLDEN], {
    'logits-of-first-token': [
      'The logits of a step are of its last token.',
      ['(_, index) => from - start + index)', '(_, index) => index)'],
    ],
  }),
  ...mutantsOf(`${MODEL}/pipeline/token-loss.ts`, [`${MODEL}/pipeline/token-loss.test.ts`, GOLDEN], {
    'ignore-index-minus-1': [
      'A label of -100 asks for no loss.',
      ['const IGNORED_LABEL = -100', 'const IGNORED_LABEL = -1'],
    ],
    'loss-mask-ignored': ['The loss mask multiplies the loss.', [' * (lossMask?.[row] ?? 1)', '']],
    'labels-shifted-again': [
      'Labels are shifted by the caller.',
      ['const label = labels[row] ??', 'const label = labels[row + 1] ??'],
    ],
    'loss-negated': ['The loss is not below zero.', ['(total - logit)', '(logit - total)']],
  }),
  ...mutantsOf(`${MODEL}/pipeline/split-layers.ts`, STAGES, {
    'stage-ends-one-early': [
      'A stage ends where the next begins.',
      [
        'endLayer: starts[index + 1] ?? layers',
        'endLayer: starts[index + 1] === undefined ? layers : starts[index + 1] - 1',
      ],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/layer-kind.ts`, STAGES, {
    'stage-counts-layers-from-zero': [
      'The kind of a layer follows from its place in the whole model.',
      ['layerTypes[layer] ===', 'layerTypes[layer - (layer >= 4 ? 4 : 0)] ==='],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/text.ts`, STAGES, {
    'stage-starts-one-late': [
      'A stage begins with its first layer.',
      [
        'for (let layer = stage.firstLayer; layer',
        'for (let layer = stage.firstLayer + (stage.preProcess ? 0 : 1); layer',
      ],
    ],
    'final-norm-on-every-stage': [
      'Only the last stage norms what it gives out.',
      [
        "} else g.output('hidden_out', stream.leave(g, x))",
        "} else g.output('hidden_out', rmsNorm(g, p.rmsNorm('language_model.norm', text.hiddenSize, text.rmsNormEps), x))",
      ],
    ],
  }),
]
