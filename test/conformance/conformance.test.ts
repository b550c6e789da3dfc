import { afterAll, beforeAll, describe } from 'vitest'
import { type Stack, startStack } from '../e2e/support/stack.ts'
import { aiSdkConformance } from './suites/ai-sdk.ts'
import { anthropicConformance } from './suites/anthropic.ts'
import { brokenStreamsConformance } from './suites/broken-streams.ts'
import { langChainConformance } from './suites/langchain.ts'
import { openAiConformance } from './suites/openai.ts'

// One file, so that edge and worker are started once.
describe('unchanged client libraries', () => {
  let running: Stack | undefined
  const stack = (): Stack => {
    if (running === undefined) throw new Error('the stack has not started')
    return running
  }
  beforeAll(async () => {
    running = await startStack()
  })
  afterAll(() => running?.close())

  openAiConformance(stack)
  aiSdkConformance(stack)
  langChainConformance(stack)
  anthropicConformance(stack)
  brokenStreamsConformance(stack) // last: it kills the worker
})
