import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedModelDirectory } from '@loupe/model/node'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readChatTemplate } from './chat-template.ts'
import { checkTemplate } from './check-template.ts'
import { type ModelText, openModelText } from './model-text.ts'

let embedded: ModelText
let own: string

beforeAll(async () => {
  embedded = await openModelText(embeddedModelDirectory())
  own = embedded.template?.text ?? ''
})

function check(text: string, { withImages = true, signal = new AbortController().signal } = {}): Promise<void> {
  return checkTemplate({ text, source: 'here' }, { tokenizer: embedded.tokenizer, withImages, signal })
}

/** The embedded model's template with some of it replaced. */
function changed(from: string, to: string): string {
  expect(own).toContain(from)
  return own.replaceAll(from, to)
}

/** Knows no parts: a text-only template. */
const TEXT_ONLY = `{{ bos_token }}{% set turns = messages %}{% set opening = '' %}
{%- if messages[0].role == 'system' %}{% set opening = messages[0].content + '\\n\\n' %}{% set turns = messages[1:] %}{% endif %}
{%- for turn in turns -%}
{{ '<start_of_turn>' + turn.role.replace('assistant', 'model') + '\\n' + (opening if loop.first else '') }}
{{- turn.content | trim }}<end_of_turn>
{% endfor %}{{ '<start_of_turn>model\\n' }}`

describe('a chat template', () => {
  it('is accepted if it writes what we write', async () => {
    await check(own)
  })

  it('is accepted without places for pictures where there are none', async () => {
    await check(TEXT_ONLY, { withImages: false })
    await expect(check(TEXT_ONLY)).rejects.toThrow('writes a question before a picture as Gemma')
  })

  it.each([
    ['no begin of text', '{{ bos_token }}', '', 'a question'],
    ['texts as they stand', ' | trim }}\n    {%- else', ' }}\n    {%- else', 'a question with space round it'],
    ['no system text', 'opening.text if loop.first', "'' if loop.first", 'a question after a system message'],
    ['another name of the model', "'model' if", "'assistant' if", 'three turns'],
    [
      'system texts in every turn',
      'opening.text if loop.first',
      'opening.text if true',
      'five turns after a system message',
    ],
    ['another place of a picture', "{{ '<start_of_image>' }}", "{{ '<image>' }}", 'a question before a picture'],
  ])('is refused for %s, with the first conversation that shows it', async (_, from, to, probe) => {
    await expect(check(changed(from, to))).rejects.toMatchObject({
      code: 'config.invalid',
      detail: expect.stringContaining(
        `here: expected a chat template that writes ${probe} as Gemma 3's does, found one`,
      ),
    })
  })

  it.each([
    [
      'that fails',
      "{{ raise_exception('no system role') }}",
      "that writes a question as Gemma 3's does, found one that fails: Error: no system role.",
    ],
    ['that is none', '{% if %}', 'found one that fails: '],
    ['that reaches for more', "{{ messages.constructor.constructor('return process')() }}", 'found one that fails: '],
    [
      'that fills the memory',
      '{% for i in range(1000000000) %}{% endfor %}',
      'found one that takes too long or too much memory.',
    ],
  ])('%s is refused', async (_, text, found) => {
    await expect(check(text)).rejects.toMatchObject({ code: 'config.invalid', detail: expect.stringContaining(found) })
  })

  it('that loops for ever is left when the start is given up', async () => {
    const many = 'range(100000)'
    const loop = `{% for i in ${many} %}{% for j in ${many} %}{% endfor %}{% endfor %}`
    const controller = new AbortController()
    const checking = check(loop, { signal: controller.signal })
    controller.abort(new Error('given up'))
    await expect(checking).rejects.toThrow('given up')
  })
})

describe('readChatTemplate', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loupe-template-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const write = (name: string, content: unknown) =>
    writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content))

  it('finds none in an empty directory, nor in files without one', async () => {
    expect(await readChatTemplate(directory)).toBeUndefined()
    await write('tokenizer_config.json', { chat_template: null })
    await write('chat_template.json', [])
    expect(await readChatTemplate(directory)).toBeUndefined()
  })

  it('prefers chat_template.jinja, then the tokenizer, then the processor', async () => {
    const found = async () => (await readChatTemplate(directory))?.text
    await write('chat_template.json', { chat_template: 'processor' })
    expect(await found()).toBe('processor')
    await write('tokenizer_config.json', { chat_template: 'tokenizer' })
    expect(await found()).toBe('tokenizer')
    await write('chat_template.jinja', 'jinja')
    expect(await found()).toBe('jinja')
  })

  it('takes the default one of several', async () => {
    const templates = [
      { name: 'tools', template: 'a' },
      { name: 'default', template: 'b' },
    ]
    await write('tokenizer_config.json', { chat_template: templates })
    expect(await readChatTemplate(directory)).toMatchObject({ text: 'b' })
  })

  it.each([
    ['tokenizer_config.json', '{', 'expected JSON, found something else.'],
    ['tokenizer_config.json', { chat_template: 7 }, 'expected a text of 262144 at most, found number.'],
    ['chat_template.jinja', 'x'.repeat(300_000), 'expected a text of 262144 at most, found 300000 characters.'],
    ['chat_template.jinja', 'x'.repeat(17_000_000), 'to be a file of 16777216 bytes at most, found 17000000 bytes.'],
  ])('refuses %s %#', async (name, content, fault) => {
    await write(name, content)
    await expect(readChatTemplate(directory)).rejects.toMatchObject({
      code: 'config.invalid',
      detail: expect.stringContaining(fault),
    })
  })
})
