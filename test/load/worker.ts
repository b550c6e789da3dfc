import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setInterval } from 'node:timers'
import { startWorker } from '@loupe/gpu-worker/src/start-worker.ts'
import { embeddedModelDirectory } from '@loupe/model/node'

/** What the worker of a load test says of itself, once a second. */
export interface WorkerVitals {
  readonly rssBytes: number
  /** Of JavaScript: its objects, and what buffers hold. */
  readonly heapBytes: number
  /** The longest that the event loop was held up since the last time. */
  readonly latenessMs: number
}

/** A pool so small that 32 users fill it, and a queue so short that it overflows. */
const CROWDED = { slots: 4, slotTokens: 2048, chunkTokens: 320, maxWaiting: 20 }

const worker = await startWorker({
  ...CROWDED,
  modelPath: embeddedModelDirectory(),
  host: '127.0.0.1',
  port: 0,
  imageCacheBytes: 1 << 20, // eight pictures: some are forgotten
  prefixCacheBytes: 32 << 20,
  drainMs: 0,
  log: () => {},
  signal: new AbortController().signal,
})
process.on('disconnect', () => process.exit())
process.send?.({ url: worker.url, modelName: worker.modelName })
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
setInterval(() => {
  const { rss, heapUsed, external } = process.memoryUsage()
  const vitals: WorkerVitals = { rssBytes: rss, heapBytes: heapUsed + external, latenessMs: delay.max / 1e6 }
  process.send?.({ vitals })
  delay.reset()
}, 1000)
