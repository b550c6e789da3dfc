import type { ModelCard, ModelCards } from '@loupe/shared/schema'
import type { ModelMetadata } from '@loupe/shared/wire'
import { Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'

/** `GET /v1/models` and `GET /v1/models/{id}`, where the id may hold slashes, escaped or not. */
export const models = new Hono<EdgeEnv>()
  .get('/', async (c) => {
    const all = await c.var.services.models.describeAll(c.req.raw.signal)
    return c.json<ModelCards>({ object: 'list', data: all.map(modelCard) })
  })
  .get('/:id{.+}', async (c) => {
    return c.json(modelCard(await c.var.services.models.describe(c.req.param('id'), c.req.raw.signal)))
  })

function modelCard({ name, parameters }: ModelMetadata): ModelCard {
  return {
    id: name,
    object: 'model',
    created: 0,
    owned_by: 'loupe',
    context_length: parameters.context_length,
    tokens_per_image: parameters.tokens_per_image,
    input_modalities: parameters.has_vision ? ['text', 'image'] : ['text'],
  }
}
