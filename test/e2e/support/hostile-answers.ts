import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { examplePath } from './pictures.ts'

type Answer = (outgoing: ServerResponse, incoming: IncomingMessage) => void

const PNG = { 'content-type': 'image/png' }
const picture = readFileSync(examplePath('red-circle.png'))
/** 64 MB of zeros in 64 KB. */
const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024))

/** What a host may do to who fetches from it, by path. */
export const HOSTILE_ANSWERS: Readonly<Record<string, Answer>> = {
  '/bomb': (outgoing) => void outgoing.writeHead(200, { ...PNG, 'content-encoding': 'gzip' }).end(bomb),
  '/packed': (outgoing) => void outgoing.writeHead(200, { ...PNG, 'content-encoding': 'gzip' }).end(gzipSync(picture)),
  '/early': (outgoing) => {
    outgoing.writeHead(200, { ...PNG, 'content-length': picture.byteLength })
    outgoing.write(picture.subarray(0, 100), () => outgoing.socket?.destroy())
  },
  '/silent': () => undefined,
  '/drip': (outgoing) => {
    outgoing.writeHead(200, PNG)
    const timer = setInterval(() => outgoing.write(picture.subarray(0, 1)), 20)
    outgoing.on('close', () => clearInterval(timer))
  },
  '/endless': (outgoing) => {
    outgoing.writeHead(200, PNG)
    const more = (): void => void (outgoing.destroyed || outgoing.write(Buffer.alloc(65_536), more))
    more()
  },
  '/circle': (outgoing) => void outgoing.writeHead(302, { location: '/circle?again' }).end(),
  '/circle?again': (outgoing) => void outgoing.writeHead(302, { location: '/circle' }).end(),
  '/page': (outgoing) => void outgoing.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  '/fault': (outgoing) => void outgoing.writeHead(503).end('no'),
  '/garbage': (outgoing) => void outgoing.socket?.end('this is no HTTP\r\n\r\n'),
  /** Not hostile: it says whether its picture has changed. */
  '/tagged': (outgoing, incoming) => {
    const headers = { ...PNG, etag: '"1"', 'cache-control': 'no-cache' }
    if (incoming.headers['if-none-match'] === '"1"') outgoing.writeHead(304, headers).end()
    else outgoing.writeHead(200, headers).end(picture)
  },
}
