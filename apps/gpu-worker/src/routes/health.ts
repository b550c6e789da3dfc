import { AppError } from '@loupe/shared/errors'
import { Hono } from 'hono'
import type { WorkerEnv } from '../http/environment.ts'
import { renderMetrics } from '../metrics/registry.ts'

const NAME = 'loupe'
const EXTENSIONS = ['binary_tensor_data', 'generate_stream', 'image_digests']

/** `/v2`, `/v2/health/*` and `/metrics`. */
export const health = new Hono<WorkerEnv>()
  .get('/v2', (c) => c.json({ name: NAME, version: c.var.deps.version, extensions: EXTENSIONS }))
  .get('/v2/health/live', (c) => c.json({ live: true }))
  .get('/v2/health/ready', (c) => {
    if (c.var.deps.state() !== 'ready') throw new AppError('worker.unavailable', 'The worker is shutting down.')
    return c.json({ ready: true })
  })
  .get('/metrics', (c) => {
    const registries = [...c.var.deps.models.values()].map(({ metrics }) => metrics.registry)
    return c.text(renderMetrics(registries), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
