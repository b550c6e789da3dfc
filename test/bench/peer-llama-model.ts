/**
 * The little of node-llama-cpp that is used here: the package is not a dependency, so its types are not at hand.
 *
 * What was found of version 3.22.1 (llama.cpp v0.5.0) on x86-64 with AVX2: it picks `libggml-cpu-haswell.so` of fourteen
 * backends. Of a Q4_0 model the matrices are repacked into memory, of a Q4_K_M the Q4_K ones only; the rest stays in the
 * pages of the file. Its threads are its own, not OpenMP's, and wait for one another by spinning, as ggml's do by default:
 * compare several threads on a quiet machine only. A context's batch is also its pass (`n_ubatch`); its compute buffer is
 * 0.5 GB of addresses for 512 tokens and 2 GB for 2048. With flash attention 270M in Q4_0 took 0.86 of the processor time for
 * 256 tokens at once and 0.95 for 16 behind them (one thread, two runs each, busy machine).
 */

/** Where the peer is and how it runs. */
export interface PeerOptions {
  /** What `import()` takes, see `peerPackage`. */
  readonly package: string
  /** A `.gguf`. */
  readonly model: string
  readonly threads: number
  readonly contextTokens: number
  /** Most tokens of one pass; 512 by default, as llama.cpp has it. */
  readonly batchTokens?: number
  /** On by default. */
  readonly hasFlashAttention?: boolean
  /** Weights stay in the pages of their file where they are not repacked; on by default. */
  readonly isMapped?: boolean
  /** Told what llama.cpp logs. */
  readonly onLog?: (message: string) => void
}

/** What one token made of those before it. */
export interface PeerOutput {
  readonly next: { readonly token?: number | null; readonly logits?: ReadonlyMap<number, number> }
}

/** Asks for what follows a token. */
export interface PeerQuestion {
  readonly generateNext: {
    readonly token: true
    readonly logits: { readonly filter: { readonly tokens: readonly number[]; readonly includeTop: number } }
  }
}

/** One conversation. */
export interface PeerSequence {
  readonly contextTokens: readonly number[]
  clearHistory(): Promise<void>
  /** Greedy by default. `next(token)` goes on with another token than the one that was chosen. */
  evaluate(
    tokens: readonly number[],
    options: { readonly yieldEogToken: boolean },
  ): AsyncGenerator<number, void, number | undefined>
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>
  controlledEvaluate(
    tokens: readonly (number | readonly [number, PeerQuestion])[],
  ): Promise<readonly (PeerOutput | undefined)[]>
}

/** A loaded model. */
export interface Peer extends AsyncDisposable {
  /** Which instructions the chosen backend was built for. */
  readonly systemInfo: string
  readonly model: {
    /** @param hasSpecial - whether text such as `<eos>` stands for a control token */
    tokenize(text: string, hasSpecial: boolean): readonly number[]
    isEogToken(token: number): boolean
  }
  readonly sequence: PeerSequence
}

interface PeerModule {
  getLlama(options: object): Promise<{
    readonly systemInfo: string
    loadModel(
      options: object,
    ): Promise<Peer['model'] & { createContext(options: object): Promise<{ getSequence(): PeerSequence }> }>
    dispose(): Promise<void>
  }>
}

/** Loads a model on the CPU, with a context for one sequence. */
export async function openPeer(options: PeerOptions): Promise<Peer> {
  const { threads, batchTokens = 512, hasFlashAttention = true, isMapped = true, onLog } = options
  // Of the version that `peerPackage` pins, whose documentation this was written from.
  const { getLlama } = (await import(options.package)) as PeerModule
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    // 0 lifts the limit, with which a context may get fewer threads than it asks for.
    maxThreads: 0,
    ...(onLog === undefined
      ? { logLevel: 'error' }
      : { logLevel: 'info', logger: (_level: string, message: string) => onLog(message) }),
  })
  const model = await llama.loadModel({ modelPath: options.model, useMmap: isMapped })
  const context = await model.createContext({
    contextSize: options.contextTokens,
    batchSize: batchTokens,
    flashAttention: hasFlashAttention,
    threads: { ideal: threads, min: threads },
  })
  return {
    systemInfo: llama.systemInfo,
    model,
    sequence: context.getSequence(),
    [Symbol.asyncDispose]: () => llama.dispose(),
  }
}
