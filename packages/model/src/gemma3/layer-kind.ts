import type { TextConfig } from './config.ts'

/** The two kinds of decoder layer: those that see a window of the last tokens, and those that see everything. */
export type LayerKind = 'local' | 'global'

/** Something of each kind. */
export type PerKind<T> = Readonly<Record<LayerKind, T>>

/** @param layer - 0-based, of the whole model */
export function layerKind({ layerTypes }: Pick<TextConfig, 'layerTypes'>, layer: number): LayerKind {
  return layerTypes[layer] === 'sliding_attention' ? 'local' : 'global'
}

/** Makes something for each kind. */
export function perKind<T>(make: (kind: LayerKind) => T): PerKind<T> {
  return { local: make('local'), global: make('global') }
}
