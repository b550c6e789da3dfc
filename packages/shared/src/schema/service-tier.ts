import { z } from 'zod'

/** As OpenAI has them. */
export const serviceTier = z.enum(['auto', 'default', 'flex', 'scale', 'priority'])

/** On what terms a request was answered, as replies tell it. */
export type ServiceTier = 'default' | 'flex' | 'priority'

/** Lower runs first, and one of them weighs as much as ten seconds of waiting. */
const PRIORITIES: Readonly<Record<ServiceTier, number>> = { priority: -1, default: 0, flex: 10 }

/** The tier that answers: without another agreement `auto` and `scale` are the default. */
export function servedTier(asked: z.infer<typeof serviceTier> | null | undefined): ServiceTier | undefined {
  if (asked === null || asked === undefined) return undefined
  return asked === 'auto' || asked === 'scale' ? 'default' : asked
}

/** The priority of a tier for the worker. */
export function servicePriority(tier: ServiceTier): number {
  return PRIORITIES[tier]
}
