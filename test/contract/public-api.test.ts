/** What a stranger reads in an editor, and whether every type that is mentioned can be named. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS } from '@loupe/shared/errors'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { type ApiItem, type ApiSurface, readApiSurface, target } from '../support/api-surface.ts'

const ROOT = join(import.meta.dirname, '../..')
const TENSOR = /^(Float32|Uint16|Uint8|Int8|Int32|BigInt64)Array$|^ArrayLike$|^TensorData$/
const SHAPE = /`\[[^`]*\]`/g
/** Of the catalog's families; `options.signal` is none. */
const FAMILIES = new Set(Object.keys(ERRORS).map((code) => code.split('.')[0]))
const ERROR_CODE = new RegExp(`\`((?:${[...FAMILIES].join('|')})\\.[a-z_]+)\``, 'g')

let api: ApiSurface

beforeAll(() => {
  api = readApiSurface(ROOT, ['shared', 'model'].flatMap(entryPoints))
})

function entryPoints(name: string): string[] {
  const folder = join(ROOT, 'packages', name)
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const sources = Object.values<string>(exports).filter((path) => path.endsWith('.ts'))
  return sources.map((path) => join(folder, path))
}

/** The items for which a claim does not hold, as lines that can be clicked. */
function without(claim: (item: ApiItem) => boolean): string[] {
  return api.items.filter((item) => !claim(item)).map(({ where, name }) => `${where} ${name}`)
}

/** The whole comment, tags included. */
function textOf({ summary, tags }: ApiItem): string {
  return [summary, ...tags.map(({ text }) => text)].join('\n')
}

/** The nodes of a declaration that a user sees: not bodies, nor members, which are items of their own. */
function* signature(node: ts.Node): Generator<ts.Node> {
  for (const child of children(node)) {
    if (ts.isBlock(child) || ts.isClassElement(child) || isMemberOf(child, node)) continue
    yield child
    yield* signature(child)
  }
}

function children(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    found.push(child)
  })
  return found
}

function isMemberOf(node: ts.Node, parent: ts.Node): boolean {
  return ts.isTypeElement(node) && (ts.isInterfaceDeclaration(parent) || isOwnLiteral(parent))
}

/** `{ … }` of a type alias, whose members are items. */
function isOwnLiteral(node: ts.Node): boolean {
  if (!ts.isTypeLiteralNode(node)) return false
  let { parent } = node as ts.Node
  while (ts.isUnionTypeNode(parent) || ts.isIntersectionTypeNode(parent)) parent = parent.parent
  return ts.isTypeAliasDeclaration(parent)
}

/** The typed arrays that a function or field takes and gives. (The type `Floats<'b t d'>` says its shape itself.) */
function tensorsOf({ declaration }: ApiItem): ts.TypeReferenceNode[] {
  if (!ts.isFunctionLike(declaration) && !ts.isPropertySignature(declaration)) return []
  const references = [...signature(declaration)].filter(ts.isTypeReferenceNode)
  return references.filter(({ typeName }) => TENSOR.test(typeName.getText()))
}

/** What a node names, if it is a mention of a type; `extends` and `implements` mention one too. */
function namedType(node: ts.Node, checker: ts.TypeChecker): ts.Symbol | undefined {
  if (ts.isTypeReferenceNode(node)) return checker.getSymbolAtLocation(node.typeName)
  return ts.isExpressionWithTypeArguments(node) ? checker.getSymbolAtLocation(node.expression) : undefined
}

/** Whether a function itself, not one that it calls, throws an AppError. */
function throwsAppError(node: ts.Node): boolean {
  return children(node).some((child) => {
    if (ts.isFunctionLike(child)) return false
    const thrown = ts.isThrowStatement(child) && child.expression && ts.isNewExpression(child.expression)
    return (thrown && child.expression.expression.getText() === 'AppError') || throwsAppError(child)
  })
}

describe('the public API', () => {
  it('is found', () => {
    const names = api.items.map(({ name }) => name)
    const some = [
      'AppError.constructor',
      'Gemma3VLModel.forward',
      'TextConfig.hiddenSize',
      'OipTensorOf.data',
      'loadGemma3VL',
    ]
    expect(names).toEqual(expect.arrayContaining(some))
  })

  it('has a comment everywhere; the field that tells the arms of a union apart needs none', () => {
    const isDiscriminant = ({ declaration }: ApiItem) =>
      ts.isPropertySignature(declaration) && declaration.type !== undefined && ts.isLiteralTypeNode(declaration.type)
    // Of a constructor, whose class is described, there may be nothing to say but what it throws.
    const isDescribed = ({ tags, declaration }: ApiItem) =>
      tags.some(({ name }) => ['param', 'returns'].includes(name) || ts.isConstructorDeclaration(declaration))
    expect(without((item) => item.summary !== '' || isDescribed(item) || isDiscriminant(item))).toEqual([])
  })

  it('says which errors it throws', () => {
    const isDocumented = ({ tags }: ApiItem) => tags.some(({ name }) => name === 'throws')
    expect(without((item) => !throwsAppError(item.declaration) || isDocumented(item))).toEqual([])
  })

  it('names errors by codes of the catalog, or refers to what does', () => {
    const isNamed = (text: string) => {
      const codes = [...text.matchAll(ERROR_CODE)].map(([, code = '']) => code)
      return codes.length === 0 ? text.includes('@link') : codes.every((code) => code in ERRORS)
    }
    const claim = ({ tags }: ApiItem) => tags.every(({ name, text }) => name !== 'throws' || isNamed(text))
    expect(without(claim)).toEqual([])
  })

  it('gives the shape of every tensor; of bytes, which are no tensor, it says that they are bytes', () => {
    const isBytes = ({ typeName }: ts.TypeReferenceNode) => typeName.getText() === 'Uint8Array'
    const claim = (item: ApiItem) => {
      const text = textOf(item)
      const saysBytes = /bytes\b/i.test(`${text} ${item.declaration.getText()}`)
      const tensors = tensorsOf(item).filter((tensor) => !(isBytes(tensor) && saysBytes))
      return (text.match(SHAPE) ?? []).length >= tensors.length
    }
    expect(without(claim)).toEqual([])
  })

  it('exports every type that it mentions', () => {
    const { checker, exported } = api
    const isForeign = (symbol: ts.Symbol) =>
      !symbol.declarations?.some((node) => node.getSourceFile().fileName.startsWith(join(ROOT, 'packages')))
    const missing = api.items.flatMap(({ name, declaration }) => {
      const symbols = [...signature(declaration)].flatMap((node) => namedType(node, checker) ?? [])
      const types = symbols.map((symbol) => target(symbol, checker))
      const unnamed = types.filter(({ flags }) => !(flags & ts.SymbolFlags.TypeParameter))
      return unnamed.filter((type) => !exported.has(type) && !isForeign(type)).map((type) => `${type.name} of ${name}`)
    })
    expect(missing).toEqual([])
  })
})
