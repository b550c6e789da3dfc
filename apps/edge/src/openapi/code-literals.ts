/** The arguments of a call, each on a line of its own if they are long. */
export function argumentsOf(given: readonly string[], indent: string): string {
  const line = given.join(', ')
  if (line.length <= 60 && !line.includes('\n')) return line
  return `\n${given.map((argument) => `${indent}${indented(argument, indent)},\n`).join('')}`
}

/** A text whose lines but the first begin further in. */
export function indented(text: string, indent: string): string {
  return text.replaceAll('\n', `\n${indent}`)
}

/** A text as TypeScript has it. */
function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`
}

/** A value of JSON as TypeScript has it. */
export function typescriptLiteral(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  return written(value, typescriptLiteral, (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : quoted(name)))
}

/** A value of JSON as Python has it. */
export function pythonLiteral(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return written(value, pythonLiteral, (name) => JSON.stringify(name))
}

/** A value on a line if it is short, otherwise its parts on lines of their own. */
function written(value: unknown, inner: (value: unknown) => string, named: (name: string) => string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const isList = Array.isArray(value)
  const parts = isList
    ? value.map((item) => inner(item))
    : Object.entries(value).map(([name, item]) => `${named(name)}: ${inner(item)}`)
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  const line = parts.join(', ')
  if (line.length <= 60 && !line.includes('\n'))
    return isList || parts.length === 0 ? `${open}${line}${close}` : `${open} ${line} ${close}`
  return `${open}\n${parts.map((part) => `  ${indented(part, '  ')},\n`).join('')}${close}`
}
