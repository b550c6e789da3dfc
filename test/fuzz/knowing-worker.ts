import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createFakeWorker, type FakeWorker, saysIds, TINY_MODEL } from '@loupe/edge/src/testing/fake-worker.ts'
import { decodeGenerateRequest, HEADER_LENGTH_HEADER } from '@loupe/shared/wire'
import { listen } from '../e2e/support/counting-proxy.ts'

/** A worker that claims to know every picture, so that none is sent, and answers without a word. */
export interface KnowingWorker {
  readonly url: string
  readonly model: string
  /** Digests of the pictures of the last question. */
  readonly lastDigests: readonly string[]
  close(): void
}

/** Starts it on a free port. With it behind an edge, only the edge costs time. */
export async function startKnowingWorker(): Promise<KnowingWorker> {
  const worker = await createFakeWorker()
  worker.script = saysIds([])
  const server = createServer((incoming, outgoing) => {
    void pass(worker, incoming, outgoing)
  })
  const url = await listen(server)
  return {
    url,
    model: TINY_MODEL,
    get lastDigests() {
      return worker.admitted.at(-1)?.imageDigests ?? []
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function pass(worker: FakeWorker, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const { method = 'GET', url = '/' } = incoming
  const headers = new Headers()
  const headerLength = incoming.headers[HEADER_LENGTH_HEADER]
  if (typeof headerLength === 'string') headers.set(HEADER_LENGTH_HEADER, headerLength)
  const body = new Uint8Array(Buffer.concat(chunks))
  if (method === 'POST') {
    const { imageDigests } = decodeGenerateRequest({ headerLength: headers.get(HEADER_LENGTH_HEADER), body })
    for (const digest of imageDigests) worker.held.add(digest)
    worker.admitted.length = 0
  }
  const reply = await worker.fetch(`http://worker.example${url}`, { method, headers, body })
  outgoing.writeHead(reply.status, Object.fromEntries(reply.headers))
  outgoing.end(new Uint8Array(await reply.arrayBuffer()))
}
