import { createHash } from 'node:crypto'
import { expectedTensors, type Gemma3Config, Gemma3VLModel, type GenerationConfig } from '@loupe/model'

type Parts = ConstructorParameters<typeof Gemma3VLModel>[0]
type Runtime = Parts['runtime']
type Session = Awaited<ReturnType<Runtime['load']>>
type Binding = ReturnType<Session['bind']>
type Tensor = ReturnType<Runtime['wrap']>

/** What a {@link PaperRuntime} was asked to do: the inputs of one run. */
export type PaperRun = ReadonlyMap<string, Pick<Tensor, 'shape' | 'data'>>

/** A runtime that computes nothing: every result is zeros. It remembers what it was given. */
export class PaperRuntime implements Runtime {
  readonly device = 'cpu'
  /** SHA-256 of each graph. */
  readonly graphs: string[] = []
  /** Shapes of the memory that was reserved. */
  readonly allocated: string[] = []
  readonly runs: PaperRun[] = []

  wrap(...[dtype, shape, data]: Parameters<Runtime['wrap']>): Tensor {
    return { dtype, shape, data, [Symbol.dispose]: nothing }
  }

  allocate(...[dtype, shape]: Parameters<Runtime['allocate']>): Tensor {
    this.allocated.push(`${dtype} [${shape}]`)
    return { dtype, shape, data: new Float32Array(), [Symbol.dispose]: nothing }
  }

  async load(...[model]: Parameters<Runtime['load']>): Promise<Session> {
    this.graphs.push(createHash('sha256').update(model).digest('hex'))
    return { inputs: [], outputs: [], bind: () => this.#bind(), [Symbol.dispose]: nothing }
  }

  [Symbol.dispose](): void {}

  #bind(): Binding {
    const inputs = new Map<string, Tensor>()
    const binding: Binding = {
      input(name, tensor) {
        inputs.set(name, tensor)
        return binding
      },
      output: () => binding,
      outputOnHost: () => binding,
      run: async () => {
        // Copies: callers write the next step into the same memory.
        this.runs.push(new Map(Array.from(inputs, ([name, { shape, data }]) => [name, { shape, data: data.slice() }])))
      },
      read: () => ({ dtype: 'float32', shape: [0], data: new Float32Array() }),
      [Symbol.dispose]: nothing,
    }
    return binding
  }
}

/** A model of any size whose weights exist in name and shape only. */
export function paperModel(config: Gemma3Config, runtime: Runtime, generation?: GenerationConfig): Gemma3VLModel {
  const shapes = expectedTensors(config)
  const part: Parts['language'] = {
    weightsFolder: '',
    tensors(name) {
      const shape = shapes.get(name) ?? []
      const bytes = shape.reduce((product, size) => product * size, 2)
      return { dtype: 'bfloat16', shape, file: 'model.safetensors', offset: 0, bytes }
    },
  }
  const vision = config.vision === undefined ? undefined : part
  return new Gemma3VLModel({ config, language: part, vision, runtime }, generation ?? GREEDY)
}

const GREEDY: GenerationConfig = { eosTokenIds: [1], doSample: false, temperature: 1, topK: 0, topP: 1 }

function nothing(): void {}
