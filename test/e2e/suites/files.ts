import { readFileSync } from 'node:fs'
import OpenAI, { NotFoundError, toFile } from 'openai'
import { describe, expect, it } from 'vitest'
import { createKey } from '../support/key-admin.ts'
import { batchClient } from '../support/picture-batch.ts'
import { dataUri, examplePath, imagePart, textPart } from '../support/pictures.ts'
import { MODEL, type Stack } from '../support/stack.ts'

const PICTURE = 'red-circle.png'

/** Files in R2 and Durable Objects of a real runtime, through the npm package `openai`. */
export function filesSuite(stack: () => Stack): void {
  const about = (picture: object) => ({
    messages: [{ role: 'user', content: [picture, textPart('What is in this picture?')] }],
    temperature: 0,
    max_tokens: 24,
  })

  const say = async (picture: object): Promise<string | undefined> => {
    const reply = (await (await stack().chat(about(picture))).json()) as OpenAI.ChatCompletion
    return reply.choices[0]?.message.content ?? undefined
  }

  const upload = async (client: OpenAI) => {
    return client.files.create({ file: await toFile(readFileSync(examplePath(PICTURE)), PICTURE), purpose: 'vision' })
  }

  describe('an uploaded picture', () => {
    it('is kept over a restart, and is the same picture in chat and in responses', async () => {
      const client = batchClient(stack())
      const file = await upload(client)
      expect(file).toMatchObject({
        filename: PICTURE,
        purpose: 'vision',
        bytes: readFileSync(examplePath(PICTURE)).length,
      })
      await stack().restartEdge()
      const content = await (await client.files.content(file.id)).arrayBuffer()
      expect(Buffer.from(content).equals(readFileSync(examplePath(PICTURE)))).toBe(true)
      const alone = await say(imagePart(dataUri(examplePath(PICTURE))))
      expect(alone).not.toBe('')
      expect(await say({ type: 'file', file: { file_id: file.id } })).toBe(alone)
      const response = await client.responses.create({
        model: MODEL,
        input: [
          {
            role: 'user',
            content: [
              { type: 'input_image', file_id: file.id, detail: 'auto' },
              { type: 'input_text', text: 'What is in this picture?' },
            ],
          },
        ],
        temperature: 0,
        max_output_tokens: 24,
      })
      expect(response.output_text).toBe(alone)
      expect((await client.files.list({ purpose: 'vision' })).data.map(({ id }) => id)).toContain(file.id)
      expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true })
      await expect(client.files.retrieve(file.id)).rejects.toThrow(NotFoundError)
    })

    it('is nobody else’s', async () => {
      const [ours, theirs] = await Promise.all(
        ['file-owner', 'file-thief'].map(async (owner) => {
          const { key } = await createKey(stack(), { owner })
          return new OpenAI({ apiKey: key, baseURL: `${stack().edgeUrl}/v1`, maxRetries: 0 })
        }),
      )
      if (ours === undefined || theirs === undefined) throw new Error('two keys were made')
      const { id } = await upload(ours)
      await expect(theirs.files.retrieve(id)).rejects.toThrow(NotFoundError)
      await expect(theirs.files.delete(id)).rejects.toThrow(NotFoundError)
      expect((await theirs.files.list()).data).toEqual([])
      expect((await ours.files.list()).data.map((file) => file.id)).toEqual([id])
    })
  })

  describe('a file of more than one part', () => {
    it('is put together again', async () => {
      const client = batchClient(stack())
      const bytes = Buffer.alloc(17 * 1024 * 1024)
      for (let at = 0; at < bytes.length; at += 4096) bytes.writeUInt32LE(at, at)
      const { id } = await client.files.create({ file: await toFile(bytes, 'long.jsonl'), purpose: 'batch' })
      expect(Buffer.from(await (await client.files.content(id)).arrayBuffer()).equals(bytes)).toBe(true)
      await client.files.delete(id)
    })
  })
}
