import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { listen } from './counting-proxy.ts'
import { HOSTILE_ANSWERS } from './hostile-answers.ts'
import { examplePath } from './pictures.ts'

/** A host of pictures on this machine, and what was asked of it. */
export interface PictureHost {
  readonly url: string
  readonly host: string
  readonly paths: string[]
  /** Of the replies, in the order of the requests that have been answered. */
  readonly statuses: number[]
  close(): Promise<void>
}

/** Starts a host: `/red-circle.png` and the like are pictures, `/to?URL` redirects there, the rest is in `hostile-answers.ts`. */
export async function startPictureHost(): Promise<PictureHost> {
  const paths: string[] = []
  const statuses: number[] = []
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/'
    paths.push(path)
    outgoing.on('finish', () => statuses.push(outgoing.statusCode))
    const hostile = HOSTILE_ANSWERS[path]
    if (hostile !== undefined) {
      hostile(outgoing, incoming)
      return
    }
    if (path.startsWith('/to?')) {
      outgoing.writeHead(302, { location: path.slice('/to?'.length) }).end()
      return
    }
    outgoing.writeHead(200, { 'content-type': 'image/png' }).end(readFileSync(examplePath(path.slice(1))))
  })
  const url = await listen(server)
  return {
    url,
    host: new URL(url).host,
    paths,
    statuses,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
