import type { FileSlice } from './file-slice.ts'
import { ProtoMessage } from './protobuf.ts'
import type { DType } from './runtime.ts'
import type { Shape } from './shape.ts'

/** An attribute of a node: an integer, a list of integers, a string, a float (which a number cannot tell), or a branch. */
export type Attribute = number | readonly number[] | string | { readonly float: number } | { readonly branch: Branch }

/** What is computed in one of the cases of a choice. It may read everything that was computed before the choice. */
export interface Branch {
  readonly nodes: readonly ModelNode[]
  readonly outputs: readonly Port[]
}

/** One operator call. An empty input name leaves out an optional input, an empty output name an unwanted output. */
export interface ModelNode {
  readonly name: string
  readonly op: string
  /** `''` for the standard operators, `com.microsoft` for the runtime's own. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** A tensor the model comes with: its bytes, or where they lie on disk. */
export interface Initializer {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly content: Uint8Array | FileSlice
}

/** An input or output of the whole model. */
export interface Port {
  readonly name: string
  readonly dtype: DType
  readonly shape: Shape
}

/** All of a model. */
export interface OnnxModel {
  readonly nodes: readonly ModelNode[]
  readonly initializers: readonly Initializer[]
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
}

/** Gelu with its tanh form came with 20; 21 is the set that every golden vector was checked with. */
const OPSET = 21
const IR_VERSION = 10

/** `TensorProto.DataType` */
export const DATA_TYPE: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  bfloat16: 16,
}
const EXTERNAL = 1

/**
 * Serializes a model as an ONNX `ModelProto`.
 *
 * @see https://github.com/onnx/onnx/blob/main/onnx/onnx.proto - the field numbers below
 */
export function encodeModel(model: OnnxModel): Uint8Array {
  const graph = new ProtoMessage()
  writeGraph(graph, 'loupe', model)
  for (const initializer of model.initializers) graph.message(5, tensorProto(initializer))
  for (const port of model.inputs) graph.message(11, valueInfoProto(port))

  return new ProtoMessage()
    .integer(1, IR_VERSION)
    .text(2, 'loupe')
    .message(7, graph)
    .message(8, new ProtoMessage().text(1, '').integer(2, OPSET))
    .message(8, new ProtoMessage().text(1, 'com.microsoft').integer(2, 1))
    .encode()
}

/** The fields that the graph of a model and that of a branch share. */
function writeGraph(graph: ProtoMessage, name: string, { nodes, outputs }: Branch): ProtoMessage {
  for (const node of nodes) graph.message(1, nodeProto(node))
  graph.text(2, name)
  for (const port of outputs) graph.message(12, valueInfoProto(port))
  return graph
}

function nodeProto(node: ModelNode): ProtoMessage {
  const proto = new ProtoMessage()
  for (const name of node.inputs) proto.text(1, name)
  for (const name of node.outputs) proto.text(2, name)
  proto.text(3, node.name).text(4, node.op)
  for (const [name, value] of Object.entries(node.attributes)) proto.message(5, attributeProto(name, value))
  return node.domain === '' ? proto : proto.text(7, node.domain)
}

/** Each kind of attribute has its own field, and `type` (20) says which one it is. */
function attributeProto(name: string, value: Attribute): ProtoMessage {
  const proto = new ProtoMessage().text(1, name)
  if (typeof value === 'number') return proto.integer(3, value).integer(20, 2)
  if (typeof value === 'string') return proto.text(4, value).integer(20, 3)
  if ('float' in value) return proto.float(2, value.float).integer(20, 1)
  if ('branch' in value) return proto.message(6, writeGraph(new ProtoMessage(), name, value.branch)).integer(20, 5)
  return proto.integers(8, value).integer(20, 7)
}

function tensorProto({ name, dtype, shape, content }: Initializer): ProtoMessage {
  const proto = new ProtoMessage().integers(1, shape).integer(2, DATA_TYPE[dtype]).text(8, name)
  if (content instanceof Uint8Array) return proto.bytes(9, content)
  const entries = { location: content.file, offset: String(content.offset), length: String(content.bytes) }
  for (const [key, value] of Object.entries(entries)) {
    proto.message(13, new ProtoMessage().text(1, key).text(2, value))
  }
  return proto.integer(14, EXTERNAL)
}

function valueInfoProto({ name, dtype, shape }: Port): ProtoMessage {
  const dims = new ProtoMessage()
  for (const dim of shape) {
    dims.message(1, typeof dim === 'number' ? new ProtoMessage().integer(1, dim) : new ProtoMessage().text(2, dim))
  }
  const tensor = new ProtoMessage().integer(1, DATA_TYPE[dtype]).message(2, dims)
  return new ProtoMessage().text(1, name).message(2, new ProtoMessage().message(1, tensor))
}
