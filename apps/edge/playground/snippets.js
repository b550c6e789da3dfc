/** A request as code to run elsewhere. Knows no DOM. */

/** @typedef {{ origin: string, body: Record<string, unknown>, files: readonly { name: string, type: string }[] }} Shown */

/**
 * Stands for a picture in the body that {@link snippet} takes.
 *
 * @param {number} index - of the file
 */
export const fileMark = (index) => `loupe-file:${index}`

const MARK = /"loupe-file:(\d+)"/g

/**
 * @param {string} language - curl, python or typescript
 * @param {Shown} shown - pictures in the body are marks
 * @returns {string}
 */
export function snippet(language, shown) {
  if (language === 'python') return python(shown)
  return language === 'typescript' ? typescript(shown) : curl(shown)
}

/** @param {Shown} shown */
function curl({ origin, body, files }) {
  // The body stands where the shell looks for $, ` and \, so that it can read the files.
  const text = JSON.stringify(body, null, 2).replaceAll(/[\\$`]/g, String.raw`\$&`)
  const whole = text.replaceAll(MARK, (_, index) => {
    const { name, type } = fileOf(files, index)
    return `"data:${type};base64,$(base64 < '${name.replaceAll("'", String.raw`'\''`)}' | tr -d '\\n')"`
  })
  return `curl ${origin}/v1/chat/completions \\
  -H "authorization: Bearer $LOUPE_API_KEY" \\
  -H "content-type: application/json" \\
  --data-binary @- <<LOUPE_BODY
${whole}
LOUPE_BODY
`
}

/** @param {Shown} shown */
function python({ origin, body, files }) {
  const { top_k, ...known } = body
  const fields = Object.entries({ ...known, ...(top_k === undefined ? {} : { extra_body: { top_k } }) })
  const text = fields.map(([name, value]) => `    ${name}=${pythonLiteral(value, '    ')},`).join('\n')
  const reader = `
def picture(path, kind):
    with open(path, "rb") as file:
        return f"data:{kind};base64," + base64.b64encode(file.read()).decode()

`
  return `${files.length > 0 ? 'import base64\n' : ''}import os

from openai import OpenAI
${files.length > 0 ? `\n${reader}` : ''}
client = OpenAI(
    base_url=${JSON.stringify(`${origin}/v1`)},
    api_key=os.environ.get("LOUPE_API_KEY", "none"),
)
stream = client.chat.completions.create(
${withFiles(text, files)}
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
`
}

/** @param {Shown} shown */
function typescript({ origin, body, files }) {
  const reader = `
async function picture(path: string, kind: string): Promise<string> {
  return \`data:\${kind};base64,\${await readFile(path, 'base64')}\`
}
`
  const text = withFiles(JSON.stringify({ ...body, stream: true }, null, 2), files, 'await ')
  return `${files.length > 0 ? "import { readFile } from 'node:fs/promises'\n" : ''}import OpenAI from 'openai'
${files.length > 0 ? reader : ''}
const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: process.env['LOUPE_API_KEY'] ?? 'none' })
const stream = await client.chat.completions.create(${text} as OpenAI.ChatCompletionCreateParamsStreaming)
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')
`
}

/**
 * @param {string} text
 * @param {Shown['files']} files
 * @param {string} [before]
 */
function withFiles(text, files, before = '') {
  return text.replaceAll(MARK, (_, index) => {
    const { name, type } = fileOf(files, index)
    return `${before}picture(${JSON.stringify(name)}, ${JSON.stringify(type)})`
  })
}

/**
 * @param {Shown['files']} files
 * @param {string} index
 */
function fileOf(files, index) {
  return files[Number(index)] ?? { name: 'picture', type: 'image/png' }
}

/**
 * @param {unknown} value
 * @param {string} indent
 * @returns {string}
 */
function pythonLiteral(value, indent) {
  const inner = `${indent}    `
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value !== 'object') return JSON.stringify(value)
  const items = Array.isArray(value)
    ? value.map((item) => `${inner}${pythonLiteral(item, inner)},\n`)
    : Object.entries(value).map(([name, item]) => `${inner}${JSON.stringify(name)}: ${pythonLiteral(item, inner)},\n`)
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return items.length === 0 ? `${open}${close}` : `${open}\n${items.join('')}${indent}${close}`
}
