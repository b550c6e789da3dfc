import { join } from 'node:path'
import { AppError } from '@loupe/shared/errors'
import { readBounded } from '../text/read-bounded.ts'

const FILE = 'preprocessor_config.json'
const MOST_BYTES = 1024 * 1024

/** How the released processors crop, and the edge: the file may repeat it, and say nothing else. */
const RELEASED: Readonly<Record<string, number>> = {
  pan_and_scan_min_crop_size: 256,
  pan_and_scan_max_num_crops: 4,
  pan_and_scan_min_ratio_to_activate: 1.2,
}

/**
 * Whether a model was made to see elongated pictures in crops as well.
 *
 * @param directory - in Hugging Face layout
 * @returns false if it has no `preprocessor_config.json`
 * @throws AppError `config.invalid` if the file is broken, or crops otherwise than the released ones
 */
export async function readPanAndScan(directory: string): Promise<boolean> {
  const text = await readBounded(join(directory, FILE), MOST_BYTES, 'config.invalid')
  const fields = text === undefined ? {} : parse(text)
  for (const [name, expected] of Object.entries(RELEASED)) {
    const found = fields[name] ?? expected
    if (found !== expected) throw invalid(`${name}: expected ${expected} or null, found ${JSON.stringify(found)}`)
  }
  const isOn = fields['do_pan_and_scan'] ?? false
  if (typeof isOn === 'boolean') return isOn
  throw invalid(`do_pan_and_scan: expected true, false or null, found ${JSON.stringify(isOn)}`)
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch (cause) {
    throw invalid('expected JSON, found something else', cause)
  }
  throw invalid('expected a JSON object, found something else')
}

function invalid(fault: string, cause?: unknown): AppError {
  return new AppError('config.invalid', `${FILE}: ${fault}.`, { cause })
}
