#!/usr/bin/env node
// The entry file sets the size of libuv's pool before anything touches it: each run of ONNX Runtime holds one thread of it.
process.env['UV_THREADPOOL_SIZE'] ??= '16'

const { runCli } = await import('./cli/run-cli.ts')
process.exitCode = await runCli(process.argv.slice(2))
