import { mutantsOf } from '../mutant.ts'

const EDGE = 'apps/edge/src'
const EDGE_TESTS = [
  `${EDGE}/routes/chat-completions.test.ts`,
  `${EDGE}/routes/chat-stream.test.ts`,
  `${EDGE}/routes/chat-worker-replaced.test.ts`,
  `${EDGE}/worker/model-catalog.test.ts`,
]
const METRICS = ['test/contract/metrics.test.ts']

/** What edge and worker say to each other when one of them has been replaced, and what the worker counts. */
export const SERVING_MUTANTS = [
  ...mutantsOf(`${EDGE}/chat/start-answer.ts`, EDGE_TESTS, {
    'ids-without-tokenizer': [
      'A request names the tokenizer that made its ids.',
      ['    tokenizer_digest: metadata.parameters.tokenizer_digest,\n', ''],
    ],
  }),
  ...mutantsOf(`${EDGE}/chat/with-model.ts`, EDGE_TESTS, {
    'stale-model-asked-again': [
      'A request that a replaced worker refuses is made anew with what is served now.',
      ['return await work(current)', 'return await work(model)'],
    ],
    'stale-model-believed': [
      'What is known of a model that refused is asked for again.',
      ['    models.forget(name)\n', ''],
    ],
  }),
  ...mutantsOf(`${EDGE}/chat/request-pictures.ts`, EDGE_TESTS, {
    'pictures-decoded-again': [
      'The pictures of a request that is made anew are not decoded again.',
      ['if (made?.autoPanAndScan !== autoPanAndScan) {', '{'],
    ],
  }),
  ...mutantsOf(`${EDGE}/worker/model-catalog.ts`, EDGE_TESTS, {
    'wrong-tokenizer-believed': [
      'Metadata whose tokenizer has changed are asked for again.',
      ['known.delete(metadata.name) //', '//'],
    ],
  }),
  ...mutantsOf('apps/gpu-worker/src/answer/check-prompt.ts', ['apps/gpu-worker/src/answer/check-prompt.test.ts'], {
    'ids-of-any-tokenizer': [
      'A worker refuses ids of another tokenizer.',
      ['  checkTokenizer(model.tokenizer_digest, parameters.tokenizer_digest)\n', ''],
    ],
  }),
  ...mutantsOf('apps/gpu-worker/src/answer/answer-observer.ts', METRICS, {
    'abort-is-an-error': [
      'An answer whose client left is counted as aborted.',
      ["failure.code === 'request.cancelled'", 'false'],
    ],
    'failure-is-answered': [
      'Only answers that came to their end count for the latency.',
      ['if (failure === undefined) answered()', 'answered()'],
    ],
    'prompt-counted-by-token': ['A prompt is counted once.', ['isPromptRead = true', 'isPromptRead = false']],
  }),
  ...mutantsOf('apps/gpu-worker/src/engine/batch.ts', METRICS, {
    'draft-widens-batch': [
      'A guess makes the batch no wider.',
      ['monitor.step({ sequences, decoded,', 'monitor.step({ sequences: decoded, decoded,'],
    ],
  }),
  ...mutantsOf('apps/gpu-worker/src/answer/start-answer.ts', METRICS, {
    'refusal-not-counted': [
      'A request that is not admitted is counted.',
      ['served.metrics.refusals.add(1, { code: AppError.from(error).code })', ''],
    ],
  }),
]
