import { describe, expect, it } from 'vitest'
import { arrangeNodes, identity, nameOutputs } from './arrange-nodes.ts'
import type { Attribute, ModelNode } from './onnx-model.ts'

const port = (name: string) => ({ name, dtype: 'float32', shape: ['b'] }) as const

function node(op: string, inputs: string, output: string, attributes: Record<string, Attribute> = {}): ModelNode {
  return { name: op, op, domain: '', inputs: inputs.split(' '), outputs: [output], attributes }
}

/** `result = condition ? yes : no`, as the graph builds it. */
function choice(yes: string, no: string, result: string): ModelNode {
  const branch = (value: string, name: string) => ({
    branch: { nodes: [identity(name, value, name)], outputs: [port(name)] },
  })
  return node('If', 'condition', result, {
    then_branch: branch(yes, `${result}.yes`),
    else_branch: branch(no, `${result}.no`),
  })
}

/** Operators in order, those of branches in braces. */
function outline(nodes: readonly ModelNode[]): string {
  return nodes
    .map(({ op, attributes }) => {
      const branches = Object.values(attributes).flatMap((value) =>
        typeof value === 'object' && 'branch' in value ? [`{${outline(value.branch.nodes)}}`] : [],
      )
      return op + branches.join('')
    })
    .join(' ')
}

describe('arrangeNodes', () => {
  it('keeps what outputs need, in order, and drops the rest', () => {
    const nodes = [node('F', 'x', 'a'), node('Dead', 'a', 'd'), node('G', 'a', 'y'), node('DeadToo', 'd', 'e')]
    expect(outline(arrangeNodes(nodes, [port('y')]))).toBe('F G')
  })

  it('computes in a branch what only that branch reads, with everything before it', () => {
    const nodes = [node('F', 'x', 'a'), node('G', 'a', 'b'), node('H', 'x', 'c'), choice('b', 'c', 'y')]
    expect(outline(arrangeNodes(nodes, [port('y')]))).toBe('If{F G Identity}{H Identity}')
  })

  it('computes outside what both branches, several choices, or anybody else reads', () => {
    const both = [node('F', 'x', 'a'), choice('a', 'a', 'y')]
    expect(outline(arrangeNodes(both, [port('y')]))).toBe('F If{Identity}{Identity}')
    const several = [node('F', 'x', 'a'), choice('a', 'x', 'y'), choice('a', 'x', 'z')]
    expect(outline(arrangeNodes(several, [port('y'), port('z')]))).toBe(
      'F If{Identity}{Identity} If{Identity}{Identity}',
    )
    const output = [node('F', 'x', 'a'), choice('a', 'x', 'y')]
    expect(outline(arrangeNodes(output, [port('y'), port('a')]))).toBe('F If{Identity}{Identity}')
  })

  it('leaves its arguments as they were', () => {
    const nodes = [node('F', 'x', 'a'), choice('a', 'x', 'y')]
    arrangeNodes(nodes, [port('y')])
    expect(outline(nodes)).toBe('F If{Identity}{Identity}')
  })
})

describe('nameOutputs', () => {
  it('gives a value the name of its output, wherever it is read', () => {
    const nodes = [node('F', 'x', 'a'), node('G', 'a', 'b'), choice('a', 'b', 'c')]
    const named = nameOutputs(nodes, [{ ...port('out'), value: 'a' }])
    expect(named.map(({ inputs, outputs }) => [...inputs, ...outputs])).toEqual([
      ['x', 'out'],
      ['out', 'b'],
      ['condition', 'c'],
    ])
    expect(JSON.stringify(named[2])).toContain('"inputs":["out"]')
  })

  it('copies inputs, and what is an output already', () => {
    const outputs = ['a', 'a', 'x'].map((value, index) => ({ ...port(`out.${index}`), value }))
    const copies = nameOutputs([node('F', 'x', 'a')], outputs).slice(1)
    expect(copies.map(({ op, inputs, outputs: [to] }) => [op, ...inputs, to])).toEqual([
      ['Identity', 'out.0', 'out.1'],
      ['Identity', 'x', 'out.2'],
    ])
  })
})
