import { AppError } from '@loupe/shared/errors'
import { encodePng, fromPatches, IMAGE_SIDE } from '@loupe/shared/image'
import { type PreviewReply, readPreviewRequest } from '@loupe/shared/schema'
import { Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import type { PreparedImage } from '../images/prepare-images.ts'
import { LIMITS } from '../limits.ts'
import { readJson } from '../read-json.ts'
import { warningHeaders } from '../warning-headers.ts'

/** `POST /v1/preview`: what the model would see of a picture, made by the pipeline that makes it for an answer. */
export const preview = new Hono<EdgeEnv>().post('/', async (c) => {
  const { services, tenant } = c.var
  const { signal } = c.req.raw
  const { model: asked, picture, ignored } = readPreviewRequest(await readJson(c.req.raw, LIMITS.requestBytes))
  const { name: model, parameters } = await services.models.describe(asked, signal)
  if (!parameters.has_vision) {
    throw new AppError('request.unsupported', `The model "${model}" takes no pictures.`, { param: 'model' })
  }
  const autoPanAndScan = parameters.do_pan_and_scan ?? false
  const [tiles = []] = await services.prepareImages([picture], { tenant, signal, autoPanAndScan })
  const views: PreviewReply['views'] = []
  // One after the other: the pixels of a view are as large as its patches.
  for (const tile of tiles) views.push(await view(tile, views.length === 0 ? 'whole' : 'crop'))
  return c.json<PreviewReply>({ object: 'preview', model, views }, 200, warningHeaders(ignored))
})

async function view(
  { patches, digest }: PreparedImage,
  kind: 'whole' | 'crop',
): Promise<PreviewReply['views'][number]> {
  const size = { width: IMAGE_SIDE, height: IMAGE_SIDE }
  const png = await encodePng(fromPatches(patches), size)
  return { kind, ...size, digest, png: base64(png) }
}

/** In pieces of whole triples: a call takes only so many arguments. */
function base64(bytes: Uint8Array): string {
  const pieces: string[] = []
  for (let at = 0; at < bytes.byteLength; at += 24_576) {
    pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + 24_576))))
  }
  return pieces.join('')
}
