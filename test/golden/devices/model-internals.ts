/** What the tests of devices need from below the public interface of `@loupe/model`. */
// @boundaries-ignore policies, graphs and parts are not public, and a test is no reason to make them so
export {
  CPU_POLICY,
  type DTypePolicy,
  dtypePolicy,
  type HeldType,
} from '../../../packages/model/src/gemma3/dtype-policy.ts'
// @boundaries-ignore as above
export { TEXT_PREFIX } from '../../../packages/model/src/gemma3/names.ts'
// @boundaries-ignore as above
export { languageModelGraph } from '../../../packages/model/src/gemma3/text.ts'
// @boundaries-ignore as above
export { visionGraph } from '../../../packages/model/src/gemma3/vision.ts'
// @boundaries-ignore as above
export { type Call, Graph } from '../../../packages/model/src/graph/graph.ts'
// @boundaries-ignore as above
export type { AnyValue } from '../../../packages/model/src/graph/value.ts'
// @boundaries-ignore as above
export { openModelSource } from '../../../packages/model/src/node/model-source.ts'
// @boundaries-ignore as above
export { openPart, planPart } from '../../../packages/model/src/node/weights-part.ts'
// @boundaries-ignore as above
export type { WeightsPart } from '../../../packages/model/src/pipeline/model-parts.ts'
