/**
 * What a PNG spends its time on: inflating, and undoing the filters of rows. Compiled to `assets/png-simd.wasm` by
 * `npm run build:wasm`; the host's side, and what the arguments mean, is `src/image/png-kernel.ts`.
 *
 * @see RFC 1950 and RFC 1951; what zlib refuses is refused here as well
 */
export { adler32 } from './adler32'
export { inflate, startInflate } from './inflate'
export { dropAlpha, unfilter } from './png-filters'
