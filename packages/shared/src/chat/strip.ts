/** Removes whitespace from both ends as Python's `str.strip` does, which the reference's template calls. */
export function pythonStrip(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isPythonSpace(text.charAt(start))) start += 1
  while (end > start && isPythonSpace(text.charAt(end - 1))) end -= 1
  return text.slice(start, end)
}

/**
 * What JavaScript trims, with the four separators U+001C to U+001F and U+0085, without U+FEFF.
 *
 * @see https://docs.python.org/3/library/stdtypes.html#str.isspace
 */
function isPythonSpace(character: string): boolean {
  if (character === '\ufeff') return false
  return character.trim() === '' || character === '\u0085' || (character >= '\u001c' && character <= '\u001f')
}
