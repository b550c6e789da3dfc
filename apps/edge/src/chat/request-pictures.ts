import { AppError } from '@loupe/shared/errors'
import type { ChatRequest, ImageReference } from '@loupe/shared/schema'
import type { ModelMetadata } from '@loupe/shared/wire'
import type { ImageVisitor } from '../images/fetch-image.ts'
import type { ImageTerms } from '../images/prepare-images.ts'
import { LIMITS } from '../limits.ts'
import type { ServedModel } from '../worker/model-catalog.ts'

/** Makes something of each picture of a request. */
type MakePictures<T> = (references: readonly ImageReference[], terms: ImageTerms) => Promise<readonly T[]>

/**
 * The pictures of a request, as a model takes them: made once, and again only for a model that looks at them otherwise.
 *
 * @throws AppError `prompt.too_long` for more text than is ever looked at
 */
export function requestPictures<T>(
  request: Pick<ChatRequest, 'messages' | 'cacheSalt'>,
  { tenant, signal }: ImageVisitor,
  make: MakePictures<T>,
): (model: ServedModel) => Promise<readonly T[]> {
  checkTextLength(request)
  const references = imagesOf(request)
  const { cacheSalt } = request
  const visitor = { tenant: cacheSalt === undefined ? tenant : JSON.stringify([tenant, cacheSalt]), signal }
  let made: { readonly autoPanAndScan: boolean; readonly pictures: Promise<readonly T[]> } | undefined
  return async ({ metadata }) => {
    checkVision(metadata, references)
    const autoPanAndScan = metadata.parameters.do_pan_and_scan ?? false
    if (made?.autoPanAndScan !== autoPanAndScan) {
      made = { autoPanAndScan, pictures: make(references, { ...visitor, owner: tenant, autoPanAndScan }) }
    }
    return made.pictures
  }
}

function imagesOf({ messages }: Pick<ChatRequest, 'messages'>): ImageReference[] {
  return messages.flatMap(({ content }) => {
    return typeof content === 'string' ? [] : content.filter((part) => part.type === 'image')
  })
}

function checkTextLength({ messages }: Pick<ChatRequest, 'messages'>): void {
  const texts = messages.flatMap(({ content }) => {
    if (typeof content === 'string') return [content]
    return content.map((part) => (part.type === 'text' ? part.text : ''))
  })
  const characters = texts.reduce((sum, text) => sum + text.length, 0)
  if (characters <= LIMITS.promptCharacters) return
  const detail = `Expected at most ${LIMITS.promptCharacters} characters of text, found ${characters}.`
  throw new AppError('prompt.too_long', detail, { param: 'messages' })
}

function checkVision(metadata: ModelMetadata, [first]: readonly ImageReference[]): void {
  if (first === undefined || metadata.parameters.has_vision) return
  throw new AppError('request.unsupported', `The model "${metadata.name}" takes no pictures.`, { param: first.param })
}
