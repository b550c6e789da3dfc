import { mutantsOf } from '../mutant.ts'

const PIPELINE = 'packages/model/src/pipeline'
const SHARDS = ['test/golden/vl/head-shards.test.ts']
const PARTS = ['test/golden/vl/members.test.ts', 'test/golden/vl/conversation.test.ts']
const GIVEN = ['test/golden/vl/members.test.ts', 'test/golden/vl/stages.test.ts']
const ANSWERS = ['packages/model/src/generate/answer-ids.test.ts']

/** A forward pass in parts, what is handed to it, and a head in shards. */
export const PART_MUTANTS = [
  ...mutantsOf(`${PIPELINE}/join-shards.ts`, SHARDS, {
    'shards-in-reverse': [
      'Logits stand in the order of the vocabulary.',
      ['row * width + first)', 'row * width + width - own - first)'],
    ],
    'shards-gathered-always': [
      'Logits of shards are gathered unless the caller says not to.',
      ['logits: runtimeGatherOutput ? sideBySide(', 'logits: (true as boolean) ? sideBySide('],
    ],
    'shards-never-handed-out': [
      'Logits that are not gathered are given as they are.',
      ['logitShards: runtimeGatherOutput ? [] : logits', 'logitShards: []'],
    ],
    'loss-of-first-shard': [
      'The loss of a token needs the terms of every shard.',
      ['tokenLoss(terms, {', 'tokenLoss(terms.slice(0, 1), {'],
    ],
    'loss-mask-lost-in-shards': [
      'The loss mask counts over shards too.',
      ['{ labels, lossMask })', '{ labels, lossMask: undefined })'],
    ],
  }),
  ...mutantsOf(`${PIPELINE}/forward-parts.ts`, PARTS, {
    'part-turned-from-zero': [
      'A part counts on from the parts before it.',
      ['batch.positions.subarray(from, end)', 'batch.positions.subarray(0, end - from)'],
    ],
    'part-slots-start-anew': [
      'A part writes behind what the parts before it have cached.',
      ['(_, index) => (from + index) % tokens', '(_, index) => index % tokens'],
    ],
    'part-blocks-of-first-row': [
      'A part sees the pictures of its own row.',
      ['batch.blocks.subarray(row * tokens, end)', 'batch.blocks.subarray(0, end - row * tokens)'],
    ],
    'part-takes-first-features': [
      'A part takes the features of its own pictures.',
      [
        'states.states.subarray(Number(first) * hiddenSize, Number(last) * hiddenSize)',
        'states.states.subarray(0, (Number(last) - Number(first)) * hiddenSize)',
      ],
    ],
    'part-takes-first-states': [
      'A part of a later stage takes its own hidden states.',
      ['states.subarray(from * hiddenSize, end * hiddenSize)', 'states.subarray(0, (end - from) * hiddenSize)'],
    ],
  }),
  ...mutantsOf(`${PIPELINE}/given-states.ts`, GIVEN, {
    'embeddings-keep-their-places': [
      'Pictures take their places in embeddings too.',
      ['if (imageFeatures.length === 0) return', 'if (imageFeatures.length >= 0) return'],
    ],
    'first-feature-for-all': [
      'Each place of a picture takes its own feature.',
      ['features.subarray(place * hiddenSize, (place + 1) * hiddenSize)', 'features.subarray(0, hiddenSize)'],
    ],
    'caller-embeddings-changed': [
      'Embeddings of the caller stay as they are.',
      ['const states = inputsEmbeds.slice()', 'const states = inputsEmbeds'],
    ],
    'hidden-states-unchecked': [
      'What a stage hands over has the size of the batch.',
      ['hidden?.length === shape.reduce((product, size) => product * size)', 'hidden !== undefined'],
    ],
  }),
  ...mutantsOf('packages/model/src/generate/answer-ids.ts', ANSWERS, {
    'soft-token-answered': [
      'The place of a picture is never part of an answer.',
      ['{ vocabLimit, bannedIds: [softTokenId] }', '{ vocabLimit }'],
    ],
    'empty-rows-answered': [
      'Rows that no training has touched are never part of an answer.',
      ['if (isPadded || softTokenId', 'if (softTokenId'],
    ],
  }),
]
