const MOST_CHARACTERS = 60

/** A value that was found, as one short line whatever its size: the end of an error message. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = asJson(typeof value === 'string' ? value.slice(0, MOST_CHARACTERS + 1) : value)
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}...` : text
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return 'something nested too deeply'
  }
}
