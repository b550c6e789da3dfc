/** Finds the end of a JSON object that comes in pieces. */
export interface ObjectScanner {
  /** @returns length of the part of `text` that belongs to the object */
  push(text: string): number
  /** Whether the brace that ends it has come. */
  readonly isOver: boolean
}

/** Makes a scanner for text that begins with the brace of an object. It looks at braces and strings only. */
export function createObjectScanner(): ObjectScanner {
  let depth = 0
  let isOver = false
  let isInString = false
  let isEscaped = false

  function step(character: string): void {
    if (isEscaped) isEscaped = false
    else if (isInString && character === '\\') isEscaped = true
    else if (character === '"') isInString = !isInString
    else if (!isInString && character === '{') depth++
    else if (!isInString && character === '}') isOver = --depth === 0
  }
  return {
    push(text) {
      let at = 0
      while (at < text.length && !isOver) step(text.charAt(at++))
      return at
    },
    get isOver() {
      return isOver
    },
  }
}
