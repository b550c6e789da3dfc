import ts from 'typescript'

/** Something that a user of a package can name or reach: an export, or a public member of one. */
export interface ApiItem {
  /** `Gemma3VLModel.forward` */
  readonly name: string
  /** `packages/model/src/pipeline/gemma3-vl-model.ts:41` */
  readonly where: string
  /** The comment, its tags left out; that of the implemented interface for a member without one. */
  readonly summary: string
  readonly tags: readonly ApiTag[]
  readonly declaration: ts.Declaration
}

interface ApiTag {
  /** `param`, `returns`, `throws` */
  readonly name: string
  readonly text: string
}

/** The public API of some packages. */
export interface ApiSurface {
  readonly items: readonly ApiItem[]
  readonly exported: ReadonlySet<ts.Symbol>
  readonly checker: ts.TypeChecker
}

/**
 * Reads what entry points export. Left out are members marked `@internal`, and the constructors of classes of which only
 * the type is exported.
 *
 * @param root - of the repository
 * @param entries - paths of the entry points
 */
export function readApiSurface(root: string, entries: readonly string[]): ApiSurface {
  const { config } = ts.readConfigFile(`${root}/tsconfig.base.json`, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: entries }, ts.sys, root)
  const program = ts.createProgram([...entries], { ...options, types: ['node'] })
  const checker = program.getTypeChecker()
  const exports = new Map(entries.flatMap((entry) => exportsOf(program, entry)))
  const items = [...exports].flatMap(([symbol, isTypeOnly]) => itemsOf(symbol, isTypeOnly, { root, checker }))
  return { items, exported: new Set(exports.keys()), checker }
}

/** What a name stands for, behind imports and re-exports. */
export function target(symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** @returns the exports, and whether each is exported as a type only */
function exportsOf(program: ts.Program, entry: string): (readonly [ts.Symbol, boolean])[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(entry)
  const module = source && checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`Expected a module at ${entry}.`)
  return checker.getExportsOfModule(module).map((symbol) => {
    const isTypeOnly = symbol.declarations?.some(ts.isTypeOnlyExportDeclaration) ?? false
    return [target(symbol, checker), isTypeOnly]
  })
}

interface Context {
  readonly root: string
  readonly checker: ts.TypeChecker
}

function itemsOf(symbol: ts.Symbol, isTypeOnly: boolean, context: Context): ApiItem[] {
  return (symbol.declarations ?? []).flatMap((declaration) => {
    const members = membersOf(declaration).filter((member) => !(isTypeOnly && ts.isConstructorDeclaration(member)))
    const items = members.flatMap((member) => memberItems(symbol.name, member, context))
    return [item(symbol, { name: symbol.name, declaration }, context), ...items]
  })
}

function memberItems(owner: string, member: ts.Declaration, context: Context): ApiItem[] {
  const symbol = context.checker.getSymbolAtLocation(ts.getNameOfDeclaration(member) ?? member) ?? symbolOf(member)
  const name = ts.isConstructorDeclaration(member) ? 'constructor' : (symbol?.name ?? '')
  if (symbol === undefined) return []
  const found = item(symbol, { name: `${owner}.${name}`, declaration: member }, context)
  return found.tags.some((tag) => tag.name === 'internal') ? [] : [found]
}

/** A constructor has no name; the binder keeps its symbol on the node, which the published types do not tell. */
function symbolOf(node: ts.Declaration & { readonly symbol?: ts.Symbol }): ts.Symbol | undefined {
  return node.symbol
}

function item(
  symbol: ts.Symbol,
  { name, declaration }: Pick<ApiItem, 'name' | 'declaration'>,
  { root, checker }: Context,
): ApiItem {
  const source = declaration.getSourceFile()
  const { line } = source.getLineAndCharacterOfPosition(declaration.getStart())
  return {
    name,
    where: `${source.fileName.replace(`${root}/`, '')}:${line + 1}`,
    summary: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    tags: symbol.getJsDocTags(checker).map((tag) => ({ name: tag.name, text: ts.displayPartsToString(tag.text) })),
    declaration,
  }
}

function membersOf(declaration: ts.Declaration): ts.Declaration[] {
  if (ts.isClassDeclaration(declaration)) return declaration.members.filter(isPublic)
  if (ts.isInterfaceDeclaration(declaration)) return [...declaration.members]
  if (ts.isTypeAliasDeclaration(declaration)) return literalMembers(declaration.type)
  return []
}

/** The members of `{ … }`, also within `|` and `&`. */
function literalMembers(type: ts.TypeNode): ts.Declaration[] {
  if (ts.isTypeLiteralNode(type)) return [...type.members]
  if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) return type.types.flatMap(literalMembers)
  return []
}

/** Neither private nor a protocol of the language, such as `[Symbol.dispose]`. */
function isPublic(member: ts.ClassElement): boolean {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected
  if (ts.getCombinedModifierFlags(member) & hidden || ts.isClassStaticBlockDeclaration(member)) return false
  if (ts.isConstructorDeclaration(member)) return member.parameters.length > 0
  return member.name !== undefined && !ts.isPrivateIdentifier(member.name) && !ts.isComputedPropertyName(member.name)
}
