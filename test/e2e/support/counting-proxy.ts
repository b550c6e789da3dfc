import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request that went through. */
interface ProxiedCall {
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
  readonly headers: IncomingMessage['headers']
  readonly status: number
}

/** Stands between edge and worker and counts what is sent. */
export interface CountingProxy {
  readonly url: string
  readonly calls: ProxiedCall[]
  /** Where it passes requests on to; undefined is a worker that is down. */
  target: string | undefined
  /** What it answers itself to the next requests for an answer, as an overloaded worker would. */
  readonly refusals: { readonly status: number; readonly body: string }[]
  close(): Promise<void>
}

/** Starts a proxy on a free port of this machine. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const server = createServer((incoming, outgoing) => {
    // An edge that is killed in the middle of a request takes it along.
    pass(proxy, incoming, outgoing).catch(() => outgoing.destroy())
  })
  const proxy: CountingProxy = {
    url: await listen(server),
    calls: [],
    target,
    refusals: [],
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
  return proxy
}

/** Listens on a free port. @returns the address */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}` // a server that listens on TCP has one
}

async function pass(proxy: CountingProxy, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Uint8Array[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  const body = new Uint8Array(Buffer.concat(chunks))
  const { method = 'GET', url: path = '/', headers } = incoming
  if (proxy.target === undefined) {
    incoming.socket.destroy()
    return
  }
  const refusal = path.includes('/generate') ? proxy.refusals.shift() : undefined
  if (refusal !== undefined) {
    outgoing.writeHead(refusal.status, { 'content-type': 'application/json' }).end(refusal.body)
    return
  }
  const onward = request(`${proxy.target}${path}`, { method, headers }, (reply) => {
    proxy.calls.push({ method, path, body, headers, status: reply.statusCode ?? 0 })
    outgoing.writeHead(reply.statusCode ?? 502, reply.headers)
    reply.pipe(outgoing)
    reply.on('error', () => outgoing.destroy())
  })
  onward.on('error', () => outgoing.destroy())
  // Either side that leaves takes the other with it.
  outgoing.on('close', () => onward.destroy())
  onward.end(body)
}
