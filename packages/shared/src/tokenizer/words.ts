import { SPACE } from './limits.ts'

/** A piece that may reach over the start of a word, cut there. */
export interface Bridge {
  readonly before: string
  readonly after: string
}

/** True where a space follows something else: where a word may start. */
function isWordStart(text: string, at: number): boolean {
  return at > 0 && text[at] === SPACE && text[at - 1] !== SPACE
}

/** True for a piece that goes on past the start of a word, as Gemma's one `>▁</`. */
export function isBridge(piece: string): boolean {
  for (let at = 1; at < piece.length; at += 1) if (isWordStart(piece, at)) return true
  return false
}

/** Every way in which one of the pieces may reach over the start of a word. */
export function bridgesOf(pieces: readonly string[]): readonly Bridge[] {
  const bridges: Bridge[] = []
  for (const piece of pieces) {
    for (let at = 1; at < piece.length; at += 1) {
      if (isWordStart(piece, at)) bridges.push({ before: piece.slice(0, at), after: piece.slice(at) })
    }
  }
  return bridges
}

/**
 * Finds the end of the word that starts at `start`: spaces, then all up to the next space.
 *
 * Merging word by word gives what merging the whole text gives, because no piece but a bridge holds a space after
 * something else, and a start of a word that a bridge could span does not end the one before.
 */
export function wordEnd(text: string, start: number, bridges: readonly Bridge[]): number {
  for (let at = start; ; ) {
    while (text[at] === SPACE) at += 1
    at = text.indexOf(SPACE, at)
    if (at < 0) return text.length
    if (!bridges.some((bridge) => isSpanned(text, at, bridge))) return at
  }
}

function isSpanned(text: string, at: number, { before, after }: Bridge): boolean {
  return text.startsWith(after, at) && text.endsWith(before, at)
}
