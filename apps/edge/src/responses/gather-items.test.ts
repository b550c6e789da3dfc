import { readResponsesRequest } from '@loupe/shared/schema'
import { describe, expect, it, vi } from 'vitest'
import { memoryResponseStore } from '../testing/memory-shelf.ts'
import { gatherItems } from './gather-items.ts'

const ask = (body: Readonly<Record<string, unknown>>) => readResponsesRequest({ model: 'm', ...body })
const reference = (id: string) => ({ type: 'item_reference', id })

describe('the items of a conversation', () => {
  it('are those of the request alone when it names no others', async () => {
    const store = memoryResponseStore()
    const { items, input } = await gatherItems(ask({ input: 'Hello' }), { store, tenant: 'a' })
    expect(items).toEqual([{ item: input[0], place: { at: 'input', isWhole: true } }])
    expect(input).toMatchObject([{ role: 'user', content: [{ type: 'input_text', text: 'Hello' }] }])
  })

  it.each([
    ['nothing', { previous_response_id: 'resp_1' }, 'response.previous_unknown', 'previous_response_id'],
    ['too_much', { previous_response_id: 'resp_1' }, 'prompt.too_long', 'previous_response_id'],
    ['nothing', { input: [reference('msg_1')] }, 'request.invalid', 'input'],
    ['too_much', { input: ['x', 'y'].map(reference) }, 'prompt.too_long', 'input[0].id'],
  ] as const)('are refused when there is %s under %j', async (found, body, code, param) => {
    const store = memoryResponseStore()
    for (const method of ['history', 'items'] as const) vi.spyOn(store, method).mockResolvedValue({ found })
    const gathering = gatherItems(ask({ input: 'Hello', ...body }), { store, tenant: 'a' })
    await expect(gathering).rejects.toMatchObject({ code, param })
  })
})
