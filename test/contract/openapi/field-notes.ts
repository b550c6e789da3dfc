import ts from 'typescript'
import type { z } from 'zod'

/** What a comment in the source says of a part of a schema. */
export interface FieldNote {
  /** Where it stands in the JSON schema: `['properties', 'model']`. */
  readonly at: readonly (string | number)[]
  readonly text: string
}

type AnySchema = z.core.$ZodTypes
type Named = Readonly<Record<string, z.ZodType>>
type At = FieldNote['at']

/** A schema, and what the compiler knows of it. The two have the same structure. */
interface Place {
  readonly schema: AnySchema
  readonly type: ts.Type
  /** What made it, where that is known. */
  readonly made?: ts.Expression | undefined
  readonly at: At
}

/**
 * Reads the comments of zod schemas: the compiler tells where each field was declared, whatever has been picked, spread
 * and extended since.
 *
 * @param file - the module that exports them
 * @param groups - its exports, each an object of named schemas
 * @returns of each schema, its own comment (`at` is empty) and those of its parts. Named schemas in others are left out.
 */
export function readFieldNotes(file: string, groups: Readonly<Record<string, Named>>): Map<string, FieldNote[]> {
  const reader = new CommentReader(file)
  const named = new Set<unknown>(Object.values(groups).flatMap((group) => Object.values(group)))
  const notes = new Map<string, FieldNote[]>()
  for (const [group, schemas] of Object.entries(groups)) {
    for (const [name, schema] of Object.entries(schemas)) {
      const { text, ...found } = reader.member(group, name)
      const root = { ...found, schema: asSchema(schema), at: [] }
      const parts = [...walk(root, reader, (inner) => named.has(inner) && inner !== schema)]
      notes.set(name, [...(text === '' ? [] : [{ at: [], text }]), ...parts])
    }
  }
  return notes
}

function* walk(place: Place, reader: CommentReader, isNamed: (schema: unknown) => boolean): Generator<FieldNote> {
  for (const { text, ...part } of partsOf(place, reader)) {
    if (text !== '') yield { at: part.at, text }
    if (!isNamed(part.schema)) yield* walk(part, reader, isNamed)
  }
}

type Part = Place & { readonly text: string }

function partsOf({ schema, type, made, at }: Place, reader: CommentReader): Part[] {
  const { def } = schema._zod
  const inner = (name: string, steps: At, of: unknown): Part[] => [
    { schema: asSchema(of), type: reader.inDef(type, name), made, at: [...at, ...steps], text: '' },
  ]
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).map(([name, field]) => {
        const found = reader.fieldOf(reader.inDef(type, 'shape'), name)
        return { ...found, schema: asSchema(field), at: [...at, 'properties', name] }
      })
    case 'union':
      return def.options.map((option, index) => {
        const steps = [...at, def.inclusive === false ? 'oneOf' : 'anyOf', index]
        const element = reader.optionOf(made, index)
        const optionType = reader.itemOf(reader.inDef(type, 'options'), index)
        const text = reader.commentOf(element)
        return { schema: asSchema(option), type: optionType, made: reader.definitionOf(element), at: steps, text }
      })
    case 'nullable':
      return inner('innerType', ['anyOf', 0], def.innerType)
    case 'optional':
    case 'default':
      return inner('innerType', [], def.innerType)
    case 'array': {
      const element = reader.elementOf(made)
      const [part] = inner('element', ['items'], def.element)
      const text = reader.commentOf(element)
      return part === undefined ? [] : [{ ...part, made: reader.definitionOf(element), text }]
    }
    case 'record':
      return inner('valueType', ['additionalProperties'], def.valueType)
    case 'pipe':
      return inner('out', [], def.out)
    default:
      return []
  }
}

/** zod's own union of all kinds of schemas, which the general type does not tell. */
function asSchema(schema: unknown): AnySchema {
  return schema as AnySchema
}

class CommentReader {
  readonly #checker: ts.TypeChecker
  readonly #exports: readonly ts.Symbol[]

  constructor(file: string) {
    const { config } = ts.readConfigFile(ts.findConfigFile(file, ts.sys.fileExists) ?? '', ts.sys.readFile)
    const base = ts.findConfigFile(file, ts.sys.fileExists, 'tsconfig.base.json') ?? ''
    const { config: shared } = ts.readConfigFile(base, ts.sys.readFile)
    const compilerOptions = { ...shared.compilerOptions, ...config.compilerOptions }
    const { options } = ts.convertCompilerOptionsFromJson(compilerOptions, base)
    const program = ts.createProgram([file], { ...options, types: [], noEmit: true })
    this.#checker = program.getTypeChecker()
    const source = program.getSourceFile(file)
    const module = source && this.#checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`Expected a module at ${file}.`)
    this.#exports = this.#checker.getExportsOfModule(module)
  }

  /** A schema of an exported group. */
  member(group: string, name: string): Omit<Part, 'schema' | 'at'> {
    const found = this.#exports.find((symbol) => symbol.name === group)
    if (found === undefined) throw new Error(`Expected an export ${group}.`)
    return this.fieldOf(this.#checker.getTypeOfSymbol(found), name)
  }

  /** A field of an object: its type, what made it, and what is said of it or of the constant that it is. */
  fieldOf(type: ts.Type, name: string): Omit<Part, 'schema' | 'at'> {
    const symbol = this.#property(type, name)
    const declaration = symbol.declarations?.[0]
    const made = declaration && this.#initializer(declaration)
    const own = this.#comment(symbol)
    const text = own === '' ? this.commentOf(made) : own
    return { type: this.#checker.getTypeOfSymbol(symbol), made: this.definitionOf(made), text }
  }

  /** A part of what zod knows of a schema. */
  inDef(type: ts.Type, name: string): ts.Type {
    return ['_zod', 'def', name].reduce(
      (outer, step) => this.#checker.getTypeOfSymbol(this.#property(outer, step)),
      type,
    )
  }

  /** An element of a tuple. */
  itemOf(type: ts.Type, index: number): ts.Type {
    const [all] = [this.#checker.getTypeArguments(type as ts.TypeReference)] // a tuple is one
    return all[index] ?? this.#checker.getTypeOfSymbol(this.#property(type, String(index)))
  }

  /** What is said of the constant that an expression begins with: of `detail` in `detail.nullish()`. */
  commentOf(made: ts.Expression | undefined): string {
    const symbol = made && this.#constant(made)
    return symbol === undefined ? '' : this.#comment(symbol)
  }

  /** The expression that a constant was made by, or the expression itself. */
  definitionOf(made: ts.Expression | undefined): ts.Expression | undefined {
    const declaration = made && this.#constant(made)?.declarations?.[0]
    if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return made
    return this.definitionOf(declaration.initializer)
  }

  /** An option of a union, where the union is written out. */
  optionOf(made: ts.Expression | undefined, index: number): ts.Expression | undefined {
    const list = argumentsOf(made, ['union', 'discriminatedUnion']).find(ts.isArrayLiteralExpression)
    return list?.elements[index]
  }

  /** What a list is a list of, where that is written out. */
  elementOf(made: ts.Expression | undefined): ts.Expression | undefined {
    return argumentsOf(made, ['array', 'boundedList'])[0]
  }

  #initializer(declaration: ts.Declaration): ts.Expression | undefined {
    if (ts.isPropertyAssignment(declaration) || ts.isVariableDeclaration(declaration)) return declaration.initializer
    return ts.isShorthandPropertyAssignment(declaration) ? declaration.name : undefined
  }

  #constant(made: ts.Expression): ts.Symbol | undefined {
    const first = root(made)
    if (!ts.isIdentifier(first)) return undefined
    const symbol = ts.isShorthandPropertyAssignment(first.parent)
      ? this.#checker.getShorthandAssignmentValueSymbol(first.parent)
      : this.#checker.getSymbolAtLocation(first)
    if (symbol === undefined) return undefined
    const target = symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol
    const [declaration] = target.declarations ?? []
    // Not `z`, and not a schema that something was picked from.
    const isWhole = declaration !== undefined && ts.isVariableDeclaration(declaration) && isSame(made)
    return isWhole ? target : undefined
  }

  #property(type: ts.Type, name: string): ts.Symbol {
    const found = this.#checker.getPropertyOfType(type, name)
    if (found === undefined) throw new Error(`Expected ${name} in ${this.#checker.typeToString(type)}.`)
    return found
  }

  #comment(symbol: ts.Symbol): string {
    return ts.displayPartsToString(symbol.getDocumentationComment(this.#checker)).replaceAll(/\s*\n\s*/g, ' ')
  }
}

/** What says nothing else of a value than whether it may be left out. */
const WRAPPERS = new Set(['nullish', 'optional', 'nullable', 'default'])

/** Whether an expression stands for the same values as what it begins with. */
function isSame(made: ts.Expression): boolean {
  if (ts.isIdentifier(made)) return true
  if (!ts.isCallExpression(made) || !ts.isPropertyAccessExpression(made.expression)) return false
  return WRAPPERS.has(made.expression.name.text) && isSame(made.expression.expression)
}

function root(made: ts.Expression): ts.Expression {
  if (ts.isCallExpression(made) || ts.isPropertyAccessExpression(made)) return root(made.expression)
  return made
}

/** What was given to the first function of these names in a chain of calls. */
function argumentsOf(made: ts.Expression | undefined, names: readonly string[]): readonly ts.Expression[] {
  const chain = made === undefined ? [] : calls(made)
  const call = chain.find(({ expression }) => {
    return names.includes(ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.getText())
  })
  return call?.arguments ?? []
}

/** The calls of a chain, the outermost first. */
function calls(made: ts.Expression): ts.CallExpression[] {
  if (ts.isPropertyAccessExpression(made)) return calls(made.expression)
  return ts.isCallExpression(made) ? [made, ...calls(made.expression)] : []
}
