import { AppError } from '@loupe/shared/errors'
import type { ServedModel } from '../served-model.ts'
import type { WorkerDeps } from './environment.ts'

const VISION_SUFFIX = '.vision'

/** The model of an address. @throws AppError `model.unknown` */
export function findModel(deps: WorkerDeps, name: string): ServedModel {
  const served = deps.models.get(name)
  if (served !== undefined) return served
  throw new AppError('model.unknown', `"${name}" is not one of ${[...deps.models.keys()].join(', ')}.`)
}

/**
 * The model of an `infer` address, and which of its two services is meant: `{m}` answers prompts, `{m}.vision` computes
 * image features, which a text-only model has not. A model whose own name ends so is found first.
 *
 * @throws AppError `model.unknown`
 */
export function findService(deps: WorkerDeps, name: string): { served: ServedModel; service: 'generate' | 'vision' } {
  if (!deps.models.has(name) && name.endsWith(VISION_SUFFIX)) {
    const served = deps.models.get(name.slice(0, -VISION_SUFFIX.length))
    if (served?.metadata.parameters.has_vision === true) return { served, service: 'vision' }
  }
  return { served: findModel(deps, name), service: 'generate' }
}
