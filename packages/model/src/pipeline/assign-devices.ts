import { AppError } from '@loupe/shared/errors'
import type { Stage } from '../gemma3/stage.ts'
import type { ModelSplit } from './split-layers.ts'

/**
 * Which device each stage is on: run c of the layers on device c mod S, as in Megatron's interleaved schedule, and the
 * shards of the head on all devices in turn.
 *
 * @param stages - of `splitModel`
 * @param devices - at least S
 * @returns every stage with its device
 * @throws AppError `request.invalid` when there are fewer devices than S
 */
export function assignDevices<Device>(
  stages: readonly Stage[],
  split: ModelSplit,
  devices: readonly Device[],
): (readonly [Stage, Device])[] {
  const { stages: count = 1 } = split
  const runs = stages.filter(({ vocabulary }) => vocabulary === undefined).length
  return stages.map((stage, index) => {
    const device = devices[index < runs ? index % count : (index - runs) % devices.length]
    if (device !== undefined) return [stage, device]
    throw new AppError('request.invalid', `Expected ${count} devices or more for the stages, found ${devices.length}.`)
  })
}
