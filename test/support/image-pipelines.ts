import { loadImageCodecs } from '@loupe/model/node'
import { createImagePipeline } from '@loupe/shared/image'

const { jpeg, webp, avif, png, resize } = await loadImageCodecs({ avif: true })

if (png === undefined || resize === undefined || avif === undefined)
  throw new Error('the codecs of Node are incomplete')

/** The pipeline as it is shipped. */
export const simdPipeline = createImagePipeline({ jpeg, webp, png, resize })

/** The same with AVIF switched on. */
export const avifPipeline = createImagePipeline({ jpeg, webp, avif, png, resize })

/** The same as shipped, with resize and PNG in plain TypeScript. */
export const scalarPipeline = createImagePipeline({ jpeg, webp })
