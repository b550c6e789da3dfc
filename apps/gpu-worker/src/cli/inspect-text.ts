import type { Gemma3Config } from '@loupe/model'
import { memoryRows } from './inspect-memory.ts'
import type { InspectReport } from './inspect-report.ts'
import { binary, si, table } from './inspect-table.ts'

/** An {@link InspectReport} for a person to read. */
export function inspectText(report: InspectReport): string {
  const { config, generation, totals } = report
  const files = totals.files === 1 ? '1 file' : `${totals.files} files`
  const lines = [
    `${report.directory}`,
    `Gemma 3 ${config.kind}: ${si(totals.parameters)} parameters, ${totals.tensors} tensors in ${files}`,
    '',
    ...pairs(configRows(config)),
    ...pairs([['generation', generationText(generation)]]),
    '',
    ...table(tensorRows(report)),
    '',
    `memory on a CPU, predicted for ${report.memory.capacityTokens} tokens`,
    ...table(memoryRows(report.memory, config)),
    ...rewritten(report.memory.packedBytes),
  ]
  return `${lines.join('\n')}\n`
}

function configRows({ text, vision, tokensPerImage, eosTokenIds }: Gemma3Config): string[][] {
  const full = text.layerTypes.filter((type) => type === 'full_attention').length
  const rope = (name: string, { theta, factor }: { theta: number; factor: number }) =>
    `${name} theta ${theta}${factor === 1 ? '' : ` stretched by ${factor}`}`
  const rows = [
    ['vocabulary', `${text.vocabSize} rows, end tokens ${eosTokenIds.join(', ')}`],
    ['context', `${text.contextTokens} tokens, window ${text.slidingWindow} in ${text.layers - full} layers`],
    ['decoder', `${text.layers} layers (${full} full), hidden ${text.hiddenSize}, MLP ${text.intermediateSize}`],
    [
      'attention',
      `${text.queryHeads} query heads, ${text.keyHeads} key heads of ${text.headSize}, ` +
        `scale ${text.queryPreAttnScalar}^-0.5`,
    ],
    ['rope', `${rope('full', text.ropeGlobal)}, ${rope('sliding', text.ropeLocal)}`],
  ]
  if (vision === undefined) return rows
  const { imageSize, patchSize, layers, hiddenSize, intermediateSize, heads } = vision
  return [
    ...rows,
    ['picture', `${imageSize} x ${imageSize} pixels, patches of ${patchSize}, ${tokensPerImage} tokens`],
    ['vision', `${layers} layers, hidden ${hiddenSize}, MLP ${intermediateSize}, ${heads} heads`],
  ]
}

function generationText({ doSample, temperature, topK, topP, eosTokenIds }: InspectReport['generation']): string {
  const how = doSample ? `sampled, temperature ${temperature}, top-k ${topK}, top-p ${topP}` : 'greedy'
  return `${how}, stops at ${eosTokenIds.join(', ')}`
}

function tensorRows({ tensors, totals }: InspectReport): string[][] {
  return [
    ['tensor', 'count', 'dtype', 'shape', 'bytes'],
    ...tensors.map(({ name, count, dtype, shape, bytes }) => [
      name,
      String(count),
      dtype,
      `[${shape.join(', ')}]`,
      binary(bytes),
    ]),
    ['total', String(totals.tensors), '', '', binary(totals.bytes)],
  ]
}

/** What the first start writes to the cache. */
function rewritten({ language, vision }: InspectReport['memory']['packedBytes']): string[] {
  const bytes = language + vision
  return bytes === 0 ? [] : [`${binary(bytes)} of rewritten weights are kept in the cache`]
}

function pairs(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([label = '']) => label.length), 10)
  return rows.map(([label = '', value = '']) => `${label.padEnd(width)}  ${value}`)
}
