/** How an element is stored in a checkpoint. Names of the safetensors format. */
export const ELEMENT_BYTES = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
} as const satisfies Record<string, number>

/** The element type of a stored tensor. */
export type StoredDType = keyof typeof ELEMENT_BYTES
