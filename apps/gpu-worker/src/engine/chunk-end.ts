/**
 * Where the chunk of a prompt that begins at `from` ends: at most `most` tokens on, and not inside a picture. A picture
 * that is longer is a chunk of its own. The answer depends on nothing but the prompt, so that a crowded batch cuts it as
 * an empty one does.
 *
 * @param ids - `[t]`, all tokens that are known
 * @param from - a token that may begin a chunk
 */
export function chunkEnd(
  ids: Int32Array,
  { from, most, imageTokenId }: { readonly from: number; readonly most: number; readonly imageTokenId: number },
): number {
  const isInside = (at: number) => at < ids.length && ids[at - 1] === imageTokenId && ids[at] === imageTokenId
  const farthest = Math.min(from + most, ids.length)
  let end = farthest
  while (end > from && isInside(end)) end--
  if (end > from) return end
  for (end = farthest; isInside(end); ) end++
  return end
}
