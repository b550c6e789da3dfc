/**
 * `node ../published-manifest.mjs write|restore`, run in a package's folder by `npm pack` and `npm publish`.
 *
 * Inside the repository a package is its TypeScript sources, which Node runs as they are; below `node_modules` Node
 * refuses to. So what is packed is compiled, and while the tarball is made the manifest says so: an export of
 * `./src/a.ts` is one of `./dist/a.js`. npm has no way to name other exports for a tarball than for a workspace.
 */
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

const MANIFEST = 'package.json'
const KEPT = 'package.json.kept'
const LICENSE = 'LICENSE'

/** A manifest without what only the repository needs. */
function published({ scripts: _scripts, devDependencies: _devDependencies, ...manifest }) {
  const compiled = Object.entries(manifest.exports).map(([subpath, target]) => [subpath, compiledTarget(target)])
  return { ...manifest, exports: Object.fromEntries(compiled) }
}

function compiledTarget(target) {
  const [, name] = /^\.\/src\/(.*)\.ts$/.exec(target) ?? []
  return name === undefined ? target : { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` }
}

function restore() {
  rmSync(LICENSE, { force: true })
  if (existsSync(KEPT)) renameSync(KEPT, MANIFEST)
}

function write() {
  restore() // a run that was killed left the published manifest behind
  const kept = readFileSync(MANIFEST, 'utf8')
  const manifest = `${JSON.stringify(published(JSON.parse(kept)), undefined, 2)}\n`
  copyFileSync(`../../${LICENSE}`, LICENSE)
  writeFileSync(KEPT, kept)
  writeFileSync(MANIFEST, manifest)
}

const steps = { write, restore }
const step = steps[process.argv[2]]
if (step === undefined) throw new Error(`Expected one of ${Object.keys(steps).join(', ')}, found ${process.argv[2]}.`)
step()
