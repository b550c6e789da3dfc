export { liveHandles } from './handle.ts'
export { OrtRuntime, type OrtRuntimeOptions } from './ort-runtime.ts'
