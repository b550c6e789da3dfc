/// <reference lib="esnext.disposable" preserve="true" /> -- for the types of whoever imports this
export { liveHandles } from './handle.ts'
export { OrtRuntime, type OrtRuntimeOptions } from './ort-runtime.ts'
export type { OrtSession } from './session.ts'
