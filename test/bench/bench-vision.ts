import type { Gemma3VLModel } from '@loupe/model'
import { type LoadModelOptions, loadGemma3VL } from '@loupe/model/node'
import { AppError } from '@loupe/shared/errors'
import { cosine } from '../support/cosine.ts'
import { askEngine, benchPicture, serveModel } from './bench-engine.ts'
import { pictureModel } from './bench-files.ts'
import { fasterRow, plainRow, shareRow } from './bench-row.ts'
import type { BenchRows, BenchSettings } from './bench-settings.ts'
import { promptIds } from './peer-llama-measures.ts'
import { costOf } from './timing.ts'

const MODEL = 'So400m, 896 pixels'
/** The first is what the others are compared with. */
const TYPES = ['f32', 'int8'] as const
const QUESTION_TOKENS = 16

/** One picture through the released tower in each type, and time to the first token behind a new and a repeated one. */
export async function* benchVision(settings: BenchSettings): BenchRows {
  const path = await pictureModel(settings)
  const { threads, folder, signal } = settings
  const common: LoadModelOptions = { threads, cacheDirectory: folder, signal }
  using stack = new DisposableStack()
  const looks = new Map<string, Look>()
  for (const type of TYPES) {
    settings.tell(`vision ${type}`)
    const dtype = { language: 'int4', vision: type } as const
    const model = stack.use(await loadGemma3VL(path, { ...common, dtype }))
    const own = await look(model)
    looks.set(type, own)
    const first = looks.get(TYPES[0])
    if (first === undefined || type === TYPES[0]) continue
    const wanted = type === 'int8' ? { wanted: '2.0' } : {}
    const parts = { model: MODEL, measure: `a picture, ${type}`, against: 'float32', unit: 'ms' }
    yield fasterRow({ ...parts, ...wanted }, [[first.wallMs, own.wallMs]])
    const alike = { model: MODEL, measure: `features, ${type}`, unit: 'cosine' }
    yield plainRow({ ...alike, ...(type === 'int8' ? { wanted: '0.999' } : {}) }, cosine(own.features, first.features))
    if (type === 'int8') yield await repeatedPicture(model)
  }
}

interface Look {
  readonly wallMs: number
  /** `[m · d]` */
  readonly features: Float32Array
}

/** The second look at a picture: the first one loads the tower. */
async function look(model: Gemma3VLModel): Promise<Look> {
  const picture = benchPicture(0)
  const features = await model.getImageFeatures(picture)
  const { wall } = await costOf(() => model.getImageFeatures(picture))
  return { wallMs: wall, features }
}

async function repeatedPicture(model: Gemma3VLModel) {
  const served = serveModel('picture', model, { slots: 1, slotTokens: 1024 })
  try {
    const { bosTokenId, boiTokenId, eoiTokenId, imageTokenId, tokensPerImage } = model.config
    const places = Array.from({ length: tokensPerImage }, () => imageTokenId)
    const ask = (seed: number, question: number) => {
      const words = promptIds(QUESTION_TOKENS).map((id) => id + question)
      const inputIds = [bosTokenId, boiTokenId, ...places, eoiTokenId, ...words]
      return askEngine(served, { inputIds, pictures: [benchPicture(seed)] })
    }
    const first = await ask(1, 1)
    const again = await ask(1, 2)
    const pair = [first.tokensMs[0] ?? Number.NaN, again.tokensMs[0] ?? Number.NaN] as const
    const parts = { model: `${MODEL}, 270m`, measure: 'first token, picture repeated', against: 'new', unit: 'ms' }
    return shareRow({ ...parts, wanted: '15 %' }, [pair])
  } finally {
    await served.engine.close(new AppError('request.cancelled'))
  }
}
