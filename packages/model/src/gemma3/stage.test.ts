import { describe, expect, it } from 'vitest'
import { parseGemma3Config } from './config.ts'
import { checkStage, type Stage, stageTensors, wholeModel } from './stage.ts'
import { paperWeights } from './testing/paper-weights.ts'
import { languageModelGraph } from './text.ts'

const config = parseGemma3Config({
  model_type: 'gemma3',
  mm_tokens_per_image: 4,
  vision_config: { hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1, num_attention_heads: 2, image_size: 56 },
  text_config: { hidden_size: 8, intermediate_size: 8, num_hidden_layers: 7, vocab_size: 300_000, head_dim: 4 },
})
const TABLE = 'language_model.embed_tokens.weight'
const NORM = 'language_model.norm.weight'

const stage = (firstLayer: number, endLayer: number): Stage => ({
  firstLayer,
  endLayer,
  preProcess: firstLayer === 0,
  postProcess: endLayer === 7,
})

/** Names of the weights that the language model of a stage reads, by its graph. */
function read(part: Stage): string[] {
  const { source, used } = paperWeights(config)
  languageModelGraph(config, source, { stage: part })
  return [...used]
}

/** The head without layers. */
const HEAD: Stage = { firstLayer: 7, endLayer: 7, preProcess: false, postProcess: true }

const isVision = (name: string) => !name.startsWith('language_model.')

describe('checkStage', () => {
  const check = (change: Partial<Stage>) => () => checkStage({ ...stage(0, 3), ...change }, config.text)

  it('takes any run of layers', () => {
    for (let from = 0; from < 7; from++) {
      for (let end = from + 1; end <= 7; end++) expect(() => checkStage(stage(from, end), config.text)).not.toThrow()
    }
  })

  it('takes all layers without a head, and a head without layers', () => {
    expect(check({ endLayer: 7 })).not.toThrow()
    expect(check(HEAD)).not.toThrow()
    expect(check({ ...HEAD, vocabulary: { firstId: 5, endId: 300_000 } })).not.toThrow()
  })

  it.each<Partial<Stage>>([
    { firstLayer: 3, preProcess: false },
    { firstLayer: -1, preProcess: false },
    { firstLayer: 0.5, preProcess: false },
    { endLayer: 8 },
    { endLayer: 8, postProcess: true },
    { preProcess: false },
    { postProcess: true },
    { endLayer: 0 },
    { endLayer: 7, preProcess: false },
    { firstLayer: 7, endLayer: 7, preProcess: false },
    { firstLayer: 7, endLayer: 7, preProcess: true, postProcess: true },
    { vocabulary: { firstId: 0, endId: 9 } },
    { endLayer: 7, postProcess: true, vocabulary: { firstId: 0, endId: 9 } },
    ...[
      [-1, 9],
      [9, 9],
      [0, 300_001],
      [0.5, 9],
    ].map(([firstId = 0, endId = 0]) => ({ ...HEAD, vocabulary: { firstId, endId } })),
  ])('refuses %j', (change) => {
    expect(check(change)).toThrow(expect.objectContaining({ code: 'request.invalid' }))
    expect(check(change)).toThrow(/a stage of 7 layers .* found \{"firstLayer":/)
  })
})

describe('a stage', () => {
  it.each([1, 2, 3, 4, 5, 6])('cut before layer %d reads its own weights only', (cut) => {
    const [first, last] = [read(stage(0, cut)), read(stage(cut, 7))]
    const layersOf = (names: string[]) => new Set(names.map((name) => name.split('.layers.')[1]?.split('.')[0]))
    const layers = (from: number, end: number) => Array.from({ length: end - from }, (_, index) => `${from + index}`)
    expect(layersOf(first)).toEqual(new Set([undefined, ...layers(0, cut)]))
    expect(layersOf(last)).toEqual(new Set([undefined, ...layers(cut, 7)]))
    // The table twice: rows at one end, the head at the other.
    expect(first.filter((name) => last.includes(name))).toEqual([TABLE])
    expect(first).not.toContain(NORM)
    expect([...new Set([...first, ...last])].sort()).toEqual(read(wholeModel(config.text)).sort())
  })

  it('between the ends reads neither the table nor the closing norm', () => {
    const middle = read(stage(2, 5))
    expect(middle).toHaveLength(3 * 13)
    expect(middle.every((name) => /^language_model\.layers\.[234]\./.test(name))).toBe(true)
  })

  it('that is a head alone reads the closing norm and its rows of the table', () => {
    expect(read(HEAD).sort()).toEqual([TABLE, NORM].sort())
    const shard = { ...HEAD, vocabulary: { firstId: 100, endId: 300 } }
    expect(stageTensors(config, shard).sort()).toEqual([TABLE, NORM].sort())
  })

  it.each([
    [0, 7],
    [0, 3],
    [3, 4],
    [4, 7],
  ])('of layers %d to %d lists what its graphs read', (from, end) => {
    const listed = stageTensors(config, stage(from, end))
    expect(listed.filter((name) => !isVision(name)).sort()).toEqual(read(stage(from, end)).sort())
    expect(listed.some(isVision)).toBe(from === 0)
  })
})
