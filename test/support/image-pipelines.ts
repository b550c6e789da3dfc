import { loadImageCodecs } from '@loupe/model/node'
import { createImagePipeline } from '@loupe/shared/image'

const { jpeg, webp, resize } = await loadImageCodecs()

/** The pipeline as it is shipped. */
export const simdPipeline = createImagePipeline({ jpeg, webp, resize })

/** The same with the resize in plain TypeScript. */
export const scalarPipeline = createImagePipeline({ jpeg, webp })
