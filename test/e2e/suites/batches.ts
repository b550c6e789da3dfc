import { describe, expect, it } from 'vitest'
import { batchClient, batchFile, outputOf, runPictureBatch, untilStatus } from '../support/picture-batch.ts'
import { MODEL, type Stack } from '../support/stack.ts'

const ENDPOINT = '/v1/chat/completions'

const line = (id: string, body: Readonly<Record<string, unknown>> = {}) => {
  const messages = [{ role: 'user', content: 'What is in this picture?' }]
  const whole = { model: MODEL, messages, max_tokens: 4, ...body }
  return { custom_id: id, method: 'POST', url: ENDPOINT, body: whole }
}

/** Batches through the queue, the objects and the bucket of a real runtime. */
export function batchesSuite(stack: () => Stack): void {
  const begin = async (lines: readonly object[]) => {
    const client = batchClient(stack())
    const input = await client.files.create({ file: await batchFile(lines), purpose: 'batch' })
    const request = { input_file_id: input.id, endpoint: ENDPOINT, completion_window: '24h' } as const
    return { client, batch: await client.batches.create({ ...request, metadata: { of: 'a test' } }) }
  }

  describe('a batch', () => {
    it('of which some lines are refused writes both files', async () => {
      const { client, batch } = await begin([line('good'), line('bad', { temperature: 9 })])
      expect(batch).toMatchObject({ status: 'validating', metadata: { of: 'a test' } })
      const ended = await untilStatus(client, batch.id, ['completed', 'failed'])
      expect(ended).toMatchObject({ status: 'completed', request_counts: { total: 2, completed: 1, failed: 1 } })
      expect((await outputOf(client, ended.output_file_id)).map(({ custom_id }) => custom_id)).toEqual(['good'])
      expect(await outputOf(client, ended.error_file_id)).toMatchObject([
        { custom_id: 'bad', response: { status_code: 400, body: { error: { param: 'temperature' } } } },
      ])
      expect((await client.batches.list({ limit: 1 })).data.map(({ id }) => id)).toEqual([batch.id])
    })

    it('with a line that cannot be read fails, and says which', async () => {
      const { client, batch } = await begin([line('same'), line('same')])
      const ended = await untilStatus(client, batch.id, ['completed', 'failed'])
      expect(ended).toMatchObject({ status: 'failed', errors: { data: [{ line: 2, param: 'custom_id' }] } })
    })

    it('that is cancelled stops, and keeps what was answered', async () => {
      const many = Array.from({ length: 400 }, (_, index) =>
        line(`line-${index}`, { max_tokens: 64, ignore_eos: true }),
      )
      const { client, batch } = await begin(many)
      await expect.poll(async () => (await client.batches.retrieve(batch.id)).request_counts?.completed).not.toBe(0)
      expect((await client.batches.cancel(batch.id)).status).toBe('cancelling')
      const ended = await untilStatus(client, batch.id, ['cancelled', 'completed'])
      expect(ended.status).toBe('cancelled')
      const answered = ended.request_counts?.completed ?? 0
      expect(answered).toBeLessThan(many.length)
      expect(await outputOf(client, ended.output_file_id)).toHaveLength(answered)
    })

    it('is answered once and rightly while the worker is killed and the edge restarted', async () => {
      const report = await runPictureBatch(stack(), { lines: 40, killAt: [10], restartAt: [20] })
      expect(report).toMatchObject({ faults: [], kills: 1, restarts: 1, batch: { status: 'completed' } })
    })
  })
}
