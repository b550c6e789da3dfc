import { AppError } from '@loupe/shared/errors'
import { checkSchema, type GenerateGrammar, holdSchema } from '@loupe/shared/wire'
import type * as Library from '@mlc-ai/web-xgrammar'

/** Most white space in one place of a JSON answer: small models like to go on with it for ever. */
const MOST_WHITESPACE = 20

/** Its first character tells it from JSON. */
const FREE_TEXT = 'free_text ::= "" | [^\\t\\n\\v\\f\\r {[] [\\0-\\U0010ffff]*\n'

/**
 * Turns what a client sends into rules that the compiler takes.
 *
 * @throws AppError `grammar.invalid` for a schema that is none or that asks for what no rules are made of; what the
 *   library throws when it cannot read the grammar
 */
export async function readGrammar({ Grammar }: typeof Library, grammar: GenerateGrammar): Promise<string> {
  const ofSchema = (schema: string, isStrict: boolean) => {
    return Grammar.fromJSONSchema(schema, true, undefined, undefined, isStrict, MOST_WHITESPACE)
  }
  switch (grammar.type) {
    case 'json_object':
      return (await ofSchema('{"type":"object"}', false)).toString()
    case 'json_schema':
      return orText((await ofSchema(heldSchema(grammar.schema), true)).toString(), grammar.or_text === true)
    case 'regex':
      return (await Grammar.fromStructuralTag({ type: 'regex', pattern: grammar.pattern })).toString()
    case 'ebnf':
      return (await Grammar.fromEBNF(grammar.grammar)).toString()
    case 'choice':
      return `root ::= ${grammar.choices.map(quoted).join(' | ')}\n`
  }
}

/** @param rules - of JSON, in which nothing refers to the root */
function orText(rules: string, takesText: boolean): string {
  if (!takesText) return rules
  return `${rules.replace(/^root ::=/m, 'held_json ::=')}\nroot ::= held_json | free_text\n${FREE_TEXT}`
}

/** The text of a schema that rules can be made of. */
function heldSchema(text: string): string {
  const schema = parseSchema(text)
  checkSchema(schema)
  return JSON.stringify(holdSchema(schema))
}

function parseSchema(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('grammar.invalid', 'The schema is not JSON.')
  }
}

/** A literal of the rules. All but letters and digits as code points: nothing in it can end the literal. */
function quoted(text: string): string {
  const literal = Array.from(text.toWellFormed(), (character) => {
    if (/^[A-Za-z0-9]$/.test(character)) return character
    return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
  })
  return `"${literal.join('')}"`
}
