/** UTF-16 units of a piece: 3 bytes each at most, below the 2 MB of a row. */
const PIECE_UNITS = 512 * 1024

/** Cuts a text so that each piece fits a row of a Durable Object's database. No character is cut in half. */
export function splitText(text: string, units = PIECE_UNITS): string[] {
  if (text.length <= units) return [text]
  const pieces: string[] = []
  for (let start = 0; start < text.length; ) {
    const end = start + units
    // The first half of a pair has to stay with the second one: alone it is no character, and is not stored as it was.
    const cut = isFirstHalf(text.charCodeAt(end - 1)) && end < text.length ? end - 1 : end
    pieces.push(text.slice(start, cut))
    start = cut
  }
  return pieces
}

/** Puts pieces together: those with the same place are one text. They come in their order. */
export function joinPieces(pieces: readonly { readonly place: number; readonly text: string }[]): string[] {
  const texts: string[][] = []
  let last: number | undefined
  for (const { place, text } of pieces) {
    if (place === last) texts.at(-1)?.push(text)
    else texts.push([text])
    last = place
  }
  return texts.map((parts) => parts.join(''))
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
