/** Who may import whom. Paths are resolved; see ARCHITECTURE.md for the reasons. */
const model = (layer) => `^packages/model/src/${layer}/`
const notTests = '\\.test(-d)?\\.ts$'

const layer = (name, allowed) => ({
  name: `model-${name}`,
  comment: `packages/model/src/${name} may import ${allowed.join(', ') || 'nothing else of the model'}`,
  severity: 'error',
  from: { path: model(name), pathNot: notTests },
  to: { path: '^packages/model/src/', pathNot: [name, ...allowed].map(model) },
})

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^cloudflare:' } },
    {
      name: 'neutral-shared',
      comment: 'packages/shared runs in a browser, on workerd and on Node',
      severity: 'error',
      from: { path: '^packages/shared/src/', pathNot: notTests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'neutral-model',
      comment: 'only the runtime and node layers of the model know Node',
      severity: 'error',
      from: { path: '^packages/model/src/', pathNot: [notTests, model('runtime'), model('node')] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'native-only-in-runtime',
      severity: 'error',
      from: { pathNot: [model('runtime'), '^test/'] },
      to: { path: ['^node_modules/koffi/', '^node_modules/onnxruntime-node/'] },
    },
    {
      name: 'edge-never-reaches-model',
      severity: 'error',
      from: { path: '^apps/edge/' },
      to: { path: ['^packages/model/', '^apps/gpu-worker/'] },
    },
    {
      name: 'worker-never-reaches-edge',
      severity: 'error',
      from: { path: '^apps/gpu-worker/' },
      to: { path: '^apps/edge/' },
    },
    { name: 'nothing-imports-test', severity: 'error', from: { pathNot: '^test/' }, to: { path: '^test/' } },
    layer('graph', []),
    layer('weights', []),
    layer('runtime', ['graph', 'weights']),
    layer('layers', ['graph']),
    layer('gemma3', ['graph', 'layers', 'weights']),
    layer('generate', ['graph', 'gemma3']),
    layer('pipeline', ['graph', 'layers', 'gemma3', 'generate', 'weights']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['node_modules', '/dist/', '\\.wrangler'] },
    tsConfig: { fileName: 'tsconfig.base.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}
