import { createSseParser } from '@loupe/shared/wire'

/** The `data:` of every event of a reply, in order; `[DONE]` is one of them. */
export async function readEvents(reply: Response): Promise<string[]> {
  return createSseParser()
    .push(new Uint8Array(await reply.arrayBuffer()))
    .map(({ data }) => data)
}

/** The chunks of a streamed chat completion, `[DONE]` left out. */
export async function readChunks<T>(reply: Response): Promise<T[]> {
  const events = await readEvents(reply)
  return events.filter((data) => data !== '[DONE]').map((data) => JSON.parse(data) as T)
}
