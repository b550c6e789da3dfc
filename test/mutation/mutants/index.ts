import type { Mutant } from '../mutant.ts'
import { BLOCK_MUTANTS } from './blocks.ts'
import { CHECKPOINT_MUTANTS } from './checkpoint.ts'
import { COLUMN_MUTANTS } from './columns.ts'
import { DECODER_MUTANTS } from './decoder.ts'
import { DEVICE_MUTANTS } from './devices.ts'
import { ENGINE_MUTANTS } from './engine.ts'
import { KEY_MUTANTS } from './keys.ts'
import { MASK_MUTANTS } from './mask.ts'
import { PART_MUTANTS } from './parts.ts'
import { PIPELINE_MUTANTS } from './pipeline.ts'
import { POOL_MUTANTS } from './pool.ts'
import { PREFIX_MUTANTS } from './prefix.ts'
import { SAMPLING_MUTANTS } from './sampling.ts'
import { SERVING_MUTANTS } from './serving.ts'
import { VISION_MUTANTS } from './vision.ts'

/** Every fact of the model that some test must hold. */
export const MUTANTS: readonly Mutant[] = [
  ...DECODER_MUTANTS,
  ...MASK_MUTANTS,
  ...VISION_MUTANTS,
  ...PIPELINE_MUTANTS,
  ...POOL_MUTANTS,
  ...PART_MUTANTS,
  ...CHECKPOINT_MUTANTS,
  ...BLOCK_MUTANTS,
  ...COLUMN_MUTANTS,
  ...DEVICE_MUTANTS,
  ...SAMPLING_MUTANTS,
  ...ENGINE_MUTANTS,
  ...PREFIX_MUTANTS,
  ...SERVING_MUTANTS,
  ...KEY_MUTANTS,
]
