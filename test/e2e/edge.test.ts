import { afterAll, beforeAll, describe } from 'vitest'
import { batchesSuite } from './suites/batches.ts'
import { conversationsSuite } from './suites/conversations.ts'
import { filesSuite } from './suites/files.ts'
import { hostilePicturesSuite } from './suites/hostile-pictures.ts'
import { keyLimitsSuite } from './suites/key-limits.ts'
import { keysSuite } from './suites/keys.ts'
import { lifetimesSuite } from './suites/lifetimes.ts'
import { openAiClientSuite } from './suites/openai-client.ts'
import { openApiSuite } from './suites/openapi.ts'
import { pictureHostsSuite } from './suites/picture-hosts.ts'
import { pictureSourcesSuite } from './suites/picture-sources.ts'
import { picturesSuite } from './suites/pictures.ts'
import { playgroundSuite } from './suites/playground.ts'
import { repeatedRequestsSuite } from './suites/repeated-requests.ts'
import { requestsSuite } from './suites/requests.ts'
import { responsesSuite } from './suites/responses.ts'
import { samplingSuite } from './suites/sampling.ts'
import { tokenizeSuite } from './suites/tokenize.ts'
import { toolsSuite } from './suites/tools.ts'
import { workerDeathSuite } from './suites/worker-death.ts'
import { type Stack, startStack } from './support/stack.ts'

// One file, so that edge and worker are started once and nothing runs beside the tests that count and kill.
describe('edge and worker', () => {
  let running: Stack | undefined
  const stack = (): Stack => {
    if (running === undefined) throw new Error('the stack has not started')
    return running
  }
  beforeAll(async () => {
    running = await startStack()
  })
  afterAll(() => running?.close())

  openAiClientSuite(stack)
  picturesSuite(stack)
  conversationsSuite(stack)
  pictureSourcesSuite(stack)
  hostilePicturesSuite(stack)
  pictureHostsSuite(stack)
  requestsSuite(stack)
  samplingSuite(stack)
  toolsSuite(stack)
  responsesSuite(stack)
  tokenizeSuite(stack)
  keyLimitsSuite(stack)
  repeatedRequestsSuite(stack)
  keysSuite(stack)
  filesSuite(stack)
  playgroundSuite(stack)
  openApiSuite(stack)
  lifetimesSuite(stack)
  batchesSuite(stack) // it kills the worker, too
  workerDeathSuite(stack) // last: it kills the worker
})
