import type { QualityResult } from './quality-run.ts'

/** The first two lines of the table. */
export const TABLE_HEAD = [
  '| part | dtype | activations | KL mean | KL worst | top-1 | max Δ logit | perplexity | Δ loss | right | cosine mean | cosine worst |',
  '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
].join('\n')

/** One line of the table; `-` where there is nothing to say. */
export function tableRow({ setting, agreement }: QualityResult): string {
  const { tokens, loss, answers, features } = agreement
  const ofLogits = (text: string) => (tokens === 0 || setting === undefined ? '-' : text)
  const cells = [
    setting?.part ?? 'both',
    setting?.dtype ?? 'f32',
    setting?.activations ?? 'float32',
    ofLogits(agreement.meanKl.toExponential(1)),
    ofLogits(agreement.worstKl.toExponential(1)),
    ofLogits(percent(agreement.sameTop)),
    ofLogits(agreement.worstLogit.toPrecision(2)),
    loss?.perplexity.toFixed(3) ?? '-',
    loss === undefined || setting === undefined ? '-' : `${signed(loss.change)} ± ${loss.standardError.toFixed(4)}`,
    answers === undefined ? '-' : `${answers.right} of ${answers.asked}`,
    features?.meanCosine.toFixed(6) ?? '-',
    features?.worstCosine.toFixed(6) ?? '-',
  ]
  return `| ${cells.join(' | ')} |`
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`
}
