import type { Branch, ModelNode, Port } from './onnx-model.ts'

/** Where a value is read: in the model itself, or inside one of the branches of a choice. */
type Reader = 'model' | MutableBranch

interface MutableBranch extends Branch {
  readonly nodes: ModelNode[]
}

/** An output of the model, and the value that it is. */
export interface NamedOutput extends Port {
  readonly value: string
}

/**
 * The nodes of a finished graph under the names of its outputs. A value that has no node, or is an output already, passes
 * an operator that does nothing.
 *
 * No such operator stands behind the others: the runtime could not always remove it, and a cache would be copied.
 */
export function nameOutputs(nodes: readonly ModelNode[], outputs: readonly NamedOutput[]): ModelNode[] {
  const made = new Set(nodes.flatMap((node) => node.outputs))
  const names = new Map<string, string>()
  const copies: ModelNode[] = []
  for (const { name, value } of outputs) {
    if (made.has(value) && !names.has(value)) names.set(value, name)
    else copies.push(identity(`output.${name}`, names.get(value) ?? value, name))
  }
  return [...nodes.map((node) => renamed(node, (name) => names.get(name) ?? name)), ...copies]
}

/** An operator that does nothing but give a value another name. */
export function identity(name: string, from: string, to: string): ModelNode {
  return { name, op: 'Identity', domain: '', inputs: [from], outputs: [to], attributes: {} }
}

/**
 * The nodes of a finished graph, each where it is needed: what nobody reads is left out, and what only one branch of a
 * choice reads is computed in that branch, which is to say only when it is chosen.
 *
 *     a = f(x)                        b = g(x)
 *     b = g(x)               →        y = if c { a = f(x); a } else { b }
 *     y = if c { a } else { b }       z = h(b)
 *     z = h(b)
 *
 * @param nodes - in an order in which each reads what was computed before it
 */
export function arrangeNodes(nodes: readonly ModelNode[], outputs: readonly Port[]): ModelNode[] {
  const readers = new Map<string, Set<Reader>>()
  const read = (names: readonly string[], reader: Reader) => {
    for (const name of names) readers.set(name, (readers.get(name) ?? new Set()).add(reader))
  }
  const kept: ModelNode[] = []
  read(
    outputs.map(({ name }) => name),
    'model',
  )
  for (const original of nodes.toReversed()) {
    const found = new Set(original.outputs.flatMap((name) => [...(readers.get(name) ?? [])]))
    if (found.size === 0) continue
    const { node, branches } = withOwnBranches(original)
    const [reader = 'model'] = found
    const home = found.size === 1 ? reader : 'model'
    if (home === 'model') kept.push(node)
    else home.nodes.unshift(node)
    read(node.inputs, home)
    for (const branch of branches) for (const inner of branch.nodes) read(inner.inputs, branch)
  }
  return kept.toReversed()
}

function renamed(node: ModelNode, name: (old: string) => string): ModelNode {
  const attributes = Object.entries(node.attributes).map(([key, value]) => {
    if (typeof value !== 'object' || !('branch' in value)) return [key, value] as const
    const nodes = value.branch.nodes.map((inner) => renamed(inner, name))
    return [key, { branch: { ...value.branch, nodes } }] as const
  })
  const [inputs, outputs] = [node.inputs.map(name), node.outputs.map(name)]
  return { ...node, inputs, outputs, attributes: Object.fromEntries(attributes) }
}

/** A node whose branches can be added to without changing the graph it comes from. */
function withOwnBranches(node: ModelNode): { node: ModelNode; branches: MutableBranch[] } {
  const branches: MutableBranch[] = []
  const attributes = Object.entries(node.attributes).map(([name, value]) => {
    if (typeof value !== 'object' || !('branch' in value)) return [name, value] as const
    const branch = { ...value.branch, nodes: [...value.branch.nodes] }
    branches.push(branch)
    return [name, { branch }] as const
  })
  return { node: { ...node, attributes: Object.fromEntries(attributes) }, branches }
}
