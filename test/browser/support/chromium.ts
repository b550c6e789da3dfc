import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Where Debian and its kin put it. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The Chromium of this machine, undefined where there is none. */
export const CHROMIUM = PLACES.find((place) => existsSync(place))

/** A camera that shows a test picture, and may be used without asking. */
const CAMERA = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/** Starts it. Without its sandbox, which needs rights that a container has not; it only opens pages of our own. */
export function startChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(`there is no Chromium at ${PLACES.join(', ')}`)
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', ...CAMERA] })
}
