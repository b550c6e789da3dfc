import type { TokenConstraint } from '@loupe/model'
import { AppError } from '@loupe/shared/errors'
import type { GenerateParameters } from '@loupe/shared/wire'
import type { ServedModel } from '../served-model.ts'
import { cacheScope } from './cache-scope.ts'

/**
 * Opens the grammar of a request within its time.
 *
 * @param signal - aborted when the client leaves
 * @returns a constraint for each answer; none if there is no grammar
 * @throws AppError `grammar.invalid`, `grammar.too_complex`, `queue.full`; `request.cancelled`, `worker.timeout`
 */
export async function openGrammar(
  { grammars }: ServedModel,
  parameters: GenerateParameters,
  signal: AbortSignal,
): Promise<readonly TokenConstraint[]> {
  const { grammar, n = 1, timeout_ms: timeoutMs } = parameters
  if (grammar === undefined) return []
  const deadline = timeoutMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    return await grammars.open({ grammar, tenant: cacheScope(parameters), choices: n }, deadline)
  } catch (error) {
    if (AppError.isInstance(error) || !deadline.aborted) throw error
    if (signal.aborted) throw new AppError('request.cancelled', '', { cause: error })
    throw new AppError('worker.timeout', `The grammar was not ready after ${timeoutMs} ms.`)
  }
}
