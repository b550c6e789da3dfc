import { mutantsOf } from '../mutant.ts'

const MODEL = 'packages/model/src'
const GOLDEN = 'test/golden/vl/vl.test.ts'
const SCALARS = `${MODEL}/node/scalars.test.ts`
const SCALED = 'test/golden/vl/scaled.test.ts'

/** The language model: norms, attention, feed-forward, embedding and head. */
export const DECODER_MUTANTS = [
  ...mutantsOf(`${MODEL}/layers/rms-norm.ts`, [SCALARS, GOLDEN], {
    'norm-without-one': ['An RMS norm multiplies by 1 + w.', ['addNumber(g, w.weight, 1)', 'w.weight']],
    'norm-epsilon-1e-5': ['The epsilon of a norm is what the config says.', ['w.epsilon)', '10 * w.epsilon)']],
  }),
  ...mutantsOf(`${MODEL}/gemma3/block.ts`, [GOLDEN], {
    'qk-norm-after-rope': [
      'Queries are normed before they are turned.',
      ['rmsNorm(g, w.queryNorm, splitHeads(g, linear(g, w.query, x), at.queryHeads))', 'linear(g, w.query, x)'],
      [
        'rope(g, mergeHeads(g, q), at.rotary, at.queryHeads)',
        'mergeHeads(g, rmsNorm(g, w.queryNorm, splitHeads(g, rope(g, q, at.rotary, at.queryHeads), at.queryHeads)))',
      ],
    ],
    'query-norm-missing': [
      'Each query head is normed.',
      [
        'rmsNorm(g, w.queryNorm, splitHeads(g, linear(g, w.query, x), at.queryHeads))',
        'splitHeads(g, linear(g, w.query, x), at.queryHeads)',
      ],
    ],
    'key-norm-missing': [
      'Each key head is normed.',
      [
        'rmsNorm(g, w.keyNorm, splitHeads(g, linear(g, w.key, x), at.keyHeads))',
        'splitHeads(g, linear(g, w.key, x), at.keyHeads)',
      ],
    ],
    'qk-norms-swapped': [
      'Queries and keys have norms of their own.',
      ['rmsNorm(g, w.queryNorm,', 'rmsNorm(g, w.keyNorm,'],
    ],
    'key-without-rope': [
      'Keys are turned as queries are.',
      ['rope(g, mergeHeads(g, k), at.rotary, at.keyHeads)', 'mergeHeads(g, k)'],
    ],
    'attention-norm-after-add': [
      'What attention returns is normed before it is added.',
      ['add(g, x, rmsNorm(g, w.attentionOut, attended))', 'rmsNorm(g, w.attentionOut, add(g, x, attended))'],
    ],
    'attention-post-norm-missing': [
      'What attention returns is normed.',
      ['add(g, x, rmsNorm(g, w.attentionOut, attended))', 'add(g, x, attended)'],
    ],
    'mlp-norm-after-add': [
      'What the feed-forward layer returns is normed before it is added.',
      ['add(g, middle, rmsNorm(g, w.mlpOut, mixed))', 'rmsNorm(g, w.mlpOut, add(g, middle, mixed))'],
    ],
    'mlp-post-norm-missing': [
      'What the feed-forward layer returns is normed.',
      ['add(g, middle, rmsNorm(g, w.mlpOut, mixed))', 'add(g, middle, mixed)'],
    ],
    'norms-swapped-as-in-llama': [
      'post_attention_layernorm norms what attention returns, pre_feedforward_layernorm what the MLP reads.',
      ['rmsNorm(g, w.attentionOut, attended)', 'rmsNorm(g, w.mlpIn, attended)'],
      ['rmsNorm(g, w.mlpIn, middle)', 'rmsNorm(g, w.attentionOut, middle)'],
    ],
    'parallel-block': [
      'The feed-forward layer reads what attention has been added to.',
      ['rmsNorm(g, w.mlpIn, middle)', 'rmsNorm(g, w.mlpIn, x)'],
    ],
    'interleaved-key-heads': [
      'Query head h uses key head floor(h / (n/k)).',
      [
        "import { add } from '../graph/ops/arithmetic.ts'",
        "import { add } from '../graph/ops/arithmetic.ts'\nimport { reshape, transpose } from '../graph/ops/layout.ts'",
      ],
      [
        'const query = rope(g, mergeHeads(g, q), at.rotary, at.queryHeads)',
        `const [b = 0, t = 0, n = 0, h = 0] = q.shape
    const groups = Number(n) / at.keyHeads
    const regroup = (value, sizes) =>
      reshape(g, transpose(g, reshape(g, value, 'b t k e h', [b, t, ...sizes, h]), 'b t e k h', [0, 1, 3, 2, 4]), 'b t n h', q.shape)
    const query = rope(g, mergeHeads(g, regroup(q, [groups, at.keyHeads])), at.rotary, at.queryHeads)`,
      ],
      [
        'linear(g, w.output, at.cache.attend(g, { query, key, value }))',
        "linear(g, w.output, mergeHeads<'n'>(g, regroup(at.cache.attend(g, { query, key, value }), [at.keyHeads, groups])))",
      ],
    ],
  }),
  ...mutantsOf(`${MODEL}/layers/gated-mlp.ts`, [GOLDEN], {
    'gate-up-swapped': [
      'The gate goes through GELU, up does not.',
      ['linear(g, w.gate, x)', 'linear(g, w.up, x)'],
      ['multiply(g, gate, linear(g, w.up, x))', 'multiply(g, gate, linear(g, w.gate, x))'],
    ],
  }),
  ...mutantsOf(`${MODEL}/graph/ops/arithmetic.ts`, [SCALARS, GOLDEN], {
    'erf-gelu': ['GELU is the tanh form.', ["approximate: 'tanh'", "approximate: 'none'"]],
  }),
  ...mutantsOf(`${MODEL}/graph/ops/attend.ts`, [SCALARS, GOLDEN], {
    'rope-interleaved': [
      'Lane i of a head turns with lane i + h/2.',
      ['attributes: { num_heads: count },', 'attributes: { num_heads: count, interleaved: 1 },'],
    ],
  }),
  ...mutantsOf(`${MODEL}/layers/rope.ts`, [SCALARS, GOLDEN], {
    'rope-backwards': [
      'A head turns forwards.',
      ['cast, cosine, multiply, sine }', 'cast, cosine, multiply, scaleBy, sine }'],
      ['sines: sine(g, angles)', 'sines: scaleBy(g, sine(g, angles), -1)'],
    ],
    'rope-half-exponent': ['Lane j turns by theta^(-2j/h).', ['(2 * lane) / headSize', 'lane / headSize']],
    'rope-factor-missing': [
      'Angles are divided by the factor.',
      ['theta ** exponent)) / factor', 'theta ** exponent))'],
    ],
    'rope-factor-multiplied': [
      'Angles are divided by the factor, not multiplied.',
      ['theta ** exponent)) / factor', 'theta ** exponent)) * factor'],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/layer-context.ts`, [GOLDEN], {
    'theta-swapped': [
      'Local layers turn by the local theta, global ones by the global.',
      ["kind === 'local' ? ropeLocal : ropeGlobal", "kind === 'local' ? ropeGlobal : ropeLocal"],
    ],
    'factor-on-local-layers': [
      'The factor is for global layers only.',
      [
        "kind === 'local' ? ropeLocal : ropeGlobal",
        "kind === 'local' ? { ...ropeGlobal, ...{ theta: ropeLocal.theta } } : ropeGlobal",
      ],
    ],
    'masks-swapped': [
      'Local layers see a window, global ones everything.',
      ["kind === 'local' ? text.slidingWindow", "kind === 'global' ? text.slidingWindow"],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/layer-kind.ts`, [GOLDEN], {
    'pattern-off-by-one': [
      'Every layer is of the kind that the config gives it.',
      ['layerTypes[layer] ===', 'layerTypes[layer + 1] ==='],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/text.ts`, [GOLDEN], {
    'scale-from-head-size': [
      'Scores are multiplied by query_pre_attn_scalar^(-1/2), not by that of the head size.',
      ['text.queryPreAttnScalar ** -0.5', 'h ** -0.5'],
    ],
    'embedding-unscaled': [
      'Embeddings are multiplied by the root of the hidden size.',
      ['scaleBy(g, rows, Math.sqrt(hiddenSize))', 'rows'],
    ],
    'image-rows-scaled': [
      'Image features are not scaled like embeddings.',
      [
        'replaceRows(g, embedded, givenRows, given)',
        'replaceRows(g, embedded, givenRows, scaleBy(g, given, Math.sqrt(hiddenSize)))',
      ],
    ],
    'head-scaled': [
      'The head is the table as it is stored, unscaled.',
      [
        "applyMatrix(g, gatherRows(g, flat, wanted, 'r i'), table)",
        "scaleBy(g, applyMatrix(g, gatherRows(g, flat, wanted, 'r i'), table), Math.sqrt(Number(width)))",
      ],
    ],
    'final-norm-missing': [
      'The residual stream is normed before the head.',
      ["x = rmsNorm(g, stream.read(p.rmsNorm('language_model.norm', text.hiddenSize, text.rmsNormEps)), x)", ''],
    ],
  }),
  ...mutantsOf(`${MODEL}/gemma3/text.ts`, [SCALED], {
    'decoder-epsilon-fixed': [
      'The epsilon of the decoder is the one of its config.',
      ['`, size, rmsNormEps)', '`, size, Math.max(rmsNormEps, 1e-5))'],
    ],
    'final-epsilon-fixed': [
      'The epsilon of the final norm is the one of the config.',
      ['text.hiddenSize, text.rmsNormEps)', 'text.hiddenSize, Math.max(text.rmsNormEps, 1e-5))'],
    ],
  }),
]
