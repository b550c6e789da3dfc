import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { listen } from './counting-proxy.ts'
import { examplePath } from './pictures.ts'

/** A host of pictures on this machine, and what was asked of it. */
export interface PictureHost {
  readonly url: string
  readonly host: string
  readonly paths: string[]
  close(): Promise<void>
}

/** Starts a host: `/red-circle.png` and the like are pictures, `/to?URL` redirects there. */
export async function startPictureHost(): Promise<PictureHost> {
  const paths: string[] = []
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/'
    paths.push(path)
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
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
