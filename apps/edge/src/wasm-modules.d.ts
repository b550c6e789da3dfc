/** Wrangler compiles an imported `.wasm` file ahead of time; a Worker cannot compile one itself. */
declare module '*.wasm' {
  const module: WebAssembly.Module
  // biome-ignore lint/style/noDefaultExport: this is how wrangler exports it
  export default module
}
