import { AppError } from '@loupe/shared/errors'
import { arrangeNodes, identity, type NamedOutput, nameOutputs } from './arrange-nodes.ts'
import type { FileSlice } from './file-slice.ts'
import { type Attribute, type Branch, encodeModel, type Initializer, type ModelNode, type Port } from './onnx-model.ts'
import { BYTES_PER_ELEMENT, type DType, type TensorData } from './runtime.ts'
import { type Dim, elementCount, formatShape, type Shape } from './shape.ts'
import { type AnyValue, axisCount, named, type Value } from './value.ts'

/** A weight of a checkpoint: its type and shape, and the bytes of the file that hold it. */
export interface FileTensor extends FileSlice {
  /** Type of its elements. */
  readonly dtype: DType
  /** Row-major. */
  readonly shape: readonly number[]
}

/** One operator call as the op wrappers make it. */
export interface Call {
  readonly op: string
  readonly domain?: string
  /** `undefined` leaves out an optional input. */
  readonly inputs: readonly (AnyValue | undefined)[]
  readonly attributes?: Readonly<Record<string, Attribute>>
}

/** What a call gives back. */
export interface Result {
  readonly dtype: DType
  readonly shape: Shape
}

/**
 * A model under construction. The op wrappers of `ops/` append to it; every value has a type and a shape from the
 * moment it exists, so that a weight that does not fit is reported while building, with the path it belongs to.
 */
export class Graph {
  readonly #nodes: ModelNode[] = []
  readonly #calls = new Map<string, Call>()
  readonly #initializers = new Map<string, Initializer>()
  readonly #constants = new Map<string, AnyValue>()
  readonly #inputs: Port[] = []
  readonly #outputs: NamedOutput[] = []
  readonly #defaults: Port[] = []
  readonly #shared = new Map<string, AnyValue>()
  readonly #used = new Map<string, number>()
  #path = ''

  /** The path under which nodes are named now, a module of the checkpoint: `language_model.layers.3`. */
  get path(): string {
    return this.#path
  }

  /** Builds under another path. */
  at<T>(path: string, build: () => T): T {
    const outer = this.#path
    this.#path = path
    try {
      return build()
    } finally {
      this.#path = outer
    }
  }

  /** Declares an input of the model. A symbolic size must be the same in every input that names it. */
  input<Axes extends string>(name: string, dtype: DType, axes: Axes, shape: Shape): Value<Axes> {
    this.#inputs.push({ name, dtype, shape })
    return this.#value(name, { dtype, shape }, axes)
  }

  /** Makes a value an output of the model. */
  output(name: string, { name: value, dtype, shape }: AnyValue): void {
    this.#outputs.push({ name, value, dtype, shape })
  }

  /**
   * A weight that stays in its file. Asking again for the same name gives the same tensor.
   *
   * @param options - `isConstant`: whether the runtime may compute with it while it loads the model, and then keeps the
   *   result in memory instead; true by default
   */
  stored<Axes extends string>(
    name: string,
    axes: Axes,
    tensor: FileTensor,
    { isConstant = true }: { readonly isConstant?: boolean } = {},
  ): Value<Axes> {
    const { dtype, shape, file, offset, bytes } = tensor
    // The default of an input is no constant: somebody might bind another tensor.
    if (!isConstant && !this.#initializers.has(name)) this.#defaults.push({ name, dtype, shape })
    this.#initializers.set(name, { name, dtype, shape, content: { file, offset, bytes } })
    return this.#value(name, { dtype, shape }, axes)
  }

  /** A tensor inside the model's own bytes. Equal ones are stored once. */
  constant<Axes extends string>(dtype: DType, axes: Axes, shape: readonly number[], data: TensorData): Value<Axes> {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const expected = BYTES_PER_ELEMENT[dtype] * shape.reduce((product, dim) => product * dim, 1)
    if (bytes.byteLength !== expected) {
      this.fail(`a constant of ${expected} bytes for ${dtype} ${formatShape(shape)}`, `${bytes.byteLength} bytes`)
    }
    const key = `${dtype} ${shape} ${bytes.join()}`
    const known = this.#constants.get(key)
    if (known !== undefined) return named(known)
    const name = `constant.${this.#constants.size}`
    this.#initializers.set(name, { name, dtype, shape, content: bytes.slice() })
    const value = this.#value(name, { dtype, shape }, axes)
    this.#constants.set(key, value)
    return value
  }

  /** Appends a call with one result. Its axes are what the op wrapper's return type says. */
  call<Axes extends string>(call: Call, { dtype, shape }: Result): Value<Axes> {
    const [name = ''] = this.#append(call, 1)
    return named({ name, dtype, shape })
  }

  /** Appends a call with several results, like each of `results` in type, shape and axes. */
  callLike<Results extends readonly AnyValue[]>(call: Call, ...results: Results): Results {
    const names = this.#append(call, results.length)
    // The same tuple with other names: a result has the axes of the value it is like.
    return results.map((like, index) => ({ ...like, name: names[index] })) as unknown as Results
  }

  /**
   * One of two values of the same type and shape. What only one of them needs is only computed when that one is chosen.
   *
   * @param condition - one bool
   * @throws AppError `graph.shape_mismatch` when the values differ in type or shape
   */
  choose<Axes extends string>(condition: AnyValue, yes: Value<Axes>, no: Value<Axes>): Value<Axes> {
    this.expectShape('a choice', no, yes.shape)
    if (yes.dtype !== no.dtype) return this.fail(`a choice of ${yes.dtype}`, no.dtype)
    const attributes = { then_branch: { branch: this.#branch(yes) }, else_branch: { branch: this.#branch(no) } }
    return this.call({ op: 'If', inputs: [condition], attributes }, yes)
  }

  /** The call whose first result a value is; `undefined` for inputs, weights and constants. */
  callOf(value: AnyValue): Call | undefined {
    return this.#calls.get(value.name)
  }

  /**
   * The length of a symbolic size, as a graph value of shape `[1]`.
   *
   * @throws AppError `graph.shape_mismatch` when no input has such a size
   */
  lengthOf(symbol: string): Value<'1'> {
    const port = this.#inputs.find(({ shape }) => shape.includes(symbol))
    if (port === undefined) return this.fail(`a size of an input`, symbol)
    const start = port.shape.indexOf(symbol)
    const shapeCall = { op: 'Shape', inputs: [port], attributes: { start, end: start + 1 } }
    return this.shared(`the length of ${symbol}`, () =>
      this.at('shape', () => this.call(shapeCall, { dtype: 'int64', shape: [1] })),
    )
  }

  /** A value that several places read. The first one that asks builds it; `what` names everything it depends on. */
  shared<Axes extends string>(what: string, build: () => Value<Axes>): Value<Axes> {
    const value = this.#shared.get(what) ?? build()
    this.#shared.set(what, value)
    return named(value)
  }

  /** Reports that something does not fit here. @throws AppError `graph.shape_mismatch` */
  fail(expected: string, found: string): never {
    throw new AppError('graph.shape_mismatch', `${this.#path || 'graph'}: expected ${expected}, found ${found}`)
  }

  /** Throws unless `value` has exactly this shape. @throws AppError `graph.shape_mismatch` */
  expectShape(what: string, value: { readonly shape: Shape }, shape: readonly (Dim | undefined)[]): void {
    const fits =
      value.shape.length === shape.length && shape.every((dim, i) => dim === undefined || dim === value.shape[i])
    if (!fits) this.fail(`${what} of shape ${formatShape(shape.map((dim) => dim ?? '?'))}`, formatShape(value.shape))
  }

  /** Throws unless there is one axis name for each size. @throws AppError `graph.shape_mismatch` */
  expectAxes(axes: string, shape: Shape): void {
    if (axisCount(axes) !== shape.length) this.fail(`sizes of the axes "${axes}"`, formatShape(shape))
  }

  /** Throws unless two shapes have the same number of elements. @throws AppError `graph.shape_mismatch` */
  expectSameCount(what: string, from: Shape, to: Shape): void {
    if (elementCount(from) !== elementCount(to)) this.fail(`${what} of ${formatShape(from)}`, formatShape(to))
  }

  /** The finished model as ONNX bytes. */
  encode(): Uint8Array {
    return encodeModel({
      nodes: this.#weightsFirst(arrangeNodes(nameOutputs(this.#nodes, this.#outputs), this.#outputs)),
      initializers: [...this.#initializers.values()],
      inputs: [...this.#inputs, ...this.#defaults],
      outputs: this.#outputs,
    })
  }

  /**
   * The nodes, those first that depend on weights alone. Of two results that a node waits for, ONNX Runtime works out
   * first the one whose node is listed last: so a weight that is widened in every run is widened just before it is used,
   * and not with all others at the beginning, which would take the memory of all.
   */
  #weightsFirst(nodes: readonly ModelNode[]): ModelNode[] {
    const known = new Set(['', ...this.#initializers.keys()])
    const [first, rest]: [ModelNode[], ModelNode[]] = [[], []]
    for (const node of nodes) {
      const isFirst = node.inputs.every((name) => known.has(name))
      if (isFirst) for (const name of node.outputs) known.add(name)
      ;(isFirst ? first : rest).push(node)
    }
    return [...first, ...rest]
  }

  /** A branch must compute what it gives out, so a value from outside passes an operator that does nothing. */
  #branch({ name, dtype, shape }: AnyValue): Branch {
    const result = this.#uniqueName('branch')
    return { nodes: [identity(result, name, result)], outputs: [{ name: result, dtype, shape }] }
  }

  #append(call: Call, results: number): string[] {
    const { op, domain = '', inputs, attributes = {} } = call
    const name = this.#uniqueName(op)
    const outputs = Array.from({ length: results }, (_, index) => (index === 0 ? name : `${name}:${index}`))
    this.#nodes.push({ name, op, domain, inputs: inputs.map((value) => value?.name ?? ''), outputs, attributes })
    this.#calls.set(name, call)
    return outputs
  }

  /** A name under the path of now. */
  #uniqueName(op: string): string {
    const stem = this.#path === '' ? op : `${this.#path}.${op}`
    const count = this.#used.get(stem) ?? 0
    this.#used.set(stem, count + 1)
    return count === 0 ? stem : `${stem}.${count}`
  }

  #value<Axes extends string>(name: string, { dtype, shape }: Result, axes: Axes): Value<Axes> {
    this.expectAxes(axes, shape)
    return named({ name, dtype, shape })
  }
}
