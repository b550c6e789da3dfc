import type { Command } from './command.ts'

/** Every sub-command, loaded only when it is called: `loupe tokenize` must not load ONNX Runtime. */
export const COMMANDS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  ask: { summary: 'ask a question about pictures', load: async () => (await import('./ask.ts')).ask },
  cache: {
    summary: 'list the rewritten weights that are kept, and remove them',
    load: async () => (await import('./cache.ts')).cache,
  },
  chat: {
    summary: 'turn messages into a prompt and its token ids',
    load: async () => (await import('./chat.ts')).chat,
  },
  forward: {
    summary: 'run the model on the tensors of a file',
    load: async () => (await import('./forward.ts')).forward,
  },
  generate: {
    summary: 'continue the token ids of a file, greedily',
    load: async () => (await import('./generate.ts')).generate,
  },
  inspect: {
    summary: 'show the config, tensors and memory of a checkpoint',
    load: async () => (await import('./inspect.ts')).inspect,
  },
  keys: { summary: 'make, list and revoke API keys', load: async () => (await import('./keys.ts')).keys },
  preprocess: {
    summary: 'turn pictures into patches, as the edge does',
    load: async () => (await import('./preprocess.ts')).preprocess,
  },
  serve: {
    summary: 'serve a model over the Open Inference Protocol',
    load: async () => (await import('./serve.ts')).serve,
  },
  start: {
    summary: 'run edge, worker and playground on this machine',
    load: async () => (await import('./start.ts')).start,
  },
  tokenize: { summary: 'turn texts into token ids', load: async () => (await import('./tokenize.ts')).tokenize },
}
