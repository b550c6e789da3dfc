import type { Gemma3Config } from '@loupe/model'
import type { InspectReport } from './inspect-report.ts'

const CACHE_TOKENS = 1000

/** An {@link InspectReport} for a person to read. */
export function inspectText(report: InspectReport): string {
  const { config, generation, totals, memory } = report
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
    'memory on a CPU with every weight in float32 (an estimate; quantised weights take less)',
    ...pairs([
      ['  weights', binary(memory.cpu.weightsBytes)],
      [`  keys and values of ${CACHE_TOKENS} tokens`, binary(memory.cpu.cacheBytesPerToken * CACHE_TOKENS)],
      ...(config.vision === undefined ? [] : [['  one picture in the vision tower', binary(memory.cpu.visionBytes)]]),
    ]),
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

function pairs(rows: readonly (readonly string[])[]): string[] {
  const width = Math.max(...rows.map(([label = '']) => label.length), 10)
  return rows.map(([label = '', value = '']) => `${label.padEnd(width)}  ${value}`)
}

/** Columns of equal width: the first to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0
      return column === 0 ? cell.padEnd(width) : cell.padStart(width)
    })
    return cells.join('  ')
  })
}

/** Bytes with a binary unit: `1.5 GiB`. */
function binary(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1024 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1)
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`
}

/** A count with a decimal unit: `4.3 B`. */
function si(count: number): string {
  const units = ['', ' K', ' M', ' B']
  const power = count < 1000 ? 0 : Math.min(Math.floor(Math.log10(count) / 3), units.length - 1)
  return `${Number((count / 1000 ** power).toPrecision(3))}${units[power]}`
}
