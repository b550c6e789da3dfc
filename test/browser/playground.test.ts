import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Browser, Response as PageResponse } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { examplePath, goldenPath } from '../e2e/support/pictures.ts'
import { type Stack, startStack } from '../e2e/support/stack.ts'
import { CHROMIUM, startChromium } from './support/chromium.ts'
import { openPlayground, type Playground, seriousViolations, tabTo } from './support/playground-page.ts'
import { runCode } from './support/run-code.ts'

const skipped = CHROMIUM === undefined ? ' (skipped: this machine has no Chromium)' : ''
const { rows } = JSON.parse(readFileSync(goldenPath('../images.json'), 'utf8')) as { rows: GoldenRow[] }

interface GoldenRow {
  readonly file: string
  readonly patches_sha256: string
  readonly pan_and_scan: readonly { readonly patches_sha256: string }[]
}

const CIRCLE = 'What colour is the circle?'

const isAbout = (reply: PageResponse, words: string) => reply.request().postData()?.includes(words) === true

describe.skipIf(CHROMIUM === undefined)(`the playground in Chromium${skipped}`, () => {
  let stack: Stack
  let browser: Browser
  let shown: Playground | undefined

  /** The page of a test. It may show no fault but those that the test names. */
  async function open(options?: Parameters<typeof openPlayground>[2]): Promise<Playground> {
    shown = await openPlayground(browser, stack.edgeUrl, options)
    return shown
  }

  beforeAll(async () => {
    ;[stack, browser] = await Promise.all([startStack(), startChromium()])
  })
  afterEach(async () => {
    await shown?.close()
    shown = undefined
  })
  afterAll(() => Promise.all([stack?.close(), browser?.close()]))

  it('answers a question about a dropped picture, at the price that it told before', async () => {
    const { page, faults, asked, ...playground } = await open()
    await playground.give('drop', examplePath('red-circle.png'))
    const counted = page.waitForResponse((reply) => reply.url().endsWith('/v1/count') && isAbout(reply, CIRCLE))
    await page.fill('[name=price_in]', '10')
    await page.fill('#question', CIRCLE)
    await counted
    const [, told] = /^(\d+) tokens \(256 for 1 picture\) · 0\.002\d* to ask/.exec(await playground.estimate()) ?? []
    expect(await playground.ask(CIRCLE)).toBe('The circle is red.')
    expect(asked[0]).toMatchObject({ stream: true })
    const facts = await page.innerText('.facts')
    expect(facts).toContain(`${told} + 5 tokens`)
    expect(facts).toMatch(
      /to the first token[\s\S]*tokens\/s[\s\S]*256 of pictures[\s\S]*cached[\s\S]*req_[0-9a-f]{32}/,
    )
    expect(faults).toEqual([])
  })

  it('keeps pictures in their turns, and the chat in this browser until it is deleted', async () => {
    const { page, faults, asked, ...playground } = await open()
    await playground.give('paste', examplePath('three-blue-stars.png'))
    await playground.ask('How many stars are there?')
    await playground.ask('What colour are the stars?')
    const counts = ((asked[1]?.['messages'] ?? []) as { role: string; content: unknown }[]).map(({ role, content }) => {
      return [role, Array.isArray(content) ? content.length : 'text'] // a picture and its question, or words
    })
    expect(counts).toEqual([
      ['user', 2],
      ['assistant', 'text'],
      ['user', 'text'],
    ])
    await page.reload()
    await page.click('#chats-toggle')
    await page.click('.chat')
    await page.waitForSelector('.turn:nth-child(2) .answer:not(:empty)')
    expect(await page.locator('.turn:first-child .asked img').count()).toBe(1)
    await page.click('#clear-chats')
    await page.waitForSelector('#empty >> visible=true')
    expect(await page.locator('.chat').count()).toBe(0)
    expect(faults).toEqual([])
  })

  it('takes a question back to edit it, with its pictures, and answers again', async () => {
    const { page, ...playground } = await open()
    await playground.give('drop', examplePath('red-circle.png'), examplePath('two-pink-circles.png'))
    await page.click('#pictures li:first-child .move >> nth=1')
    await page.click('#pictures li:last-child .remove')
    expect(await page.getAttribute('#pictures img', 'alt')).toBe('two-pink-circles.png')
    await playground.ask('How many?')
    await page.press('body', 'Alt+e')
    expect([await page.inputValue('#question'), await page.locator('#pictures li').count()]).toEqual(['How many?', 1])
    const edited = await playground.ask('How many circles are there?')
    await page.press('body', 'Alt+r')
    await page.waitForSelector('.facts:not(:empty)')
    expect(await page.innerText('.answer')).toContain(edited)
    expect(await page.innerText('.facts')).toContain('picture known')
  })

  it('shows what the model sees of a picture and of its crops', async () => {
    const { page, faults, ...playground } = await open()
    await page.selectOption('[name=detail]', 'high')
    await playground.give('drop', goldenPath('chelsea-wide.png'))
    await page.click('#pictures .look')
    await page.waitForSelector('.views figure')
    const names = await page.locator('.views figcaption').allInnerTexts()
    expect(names.map((name) => name.split(/\s/)[0])).toEqual(['Whole', 'Crop', 'Crop', 'Crop', 'Crop'])
    const [whole = '', ...crops] = await page.locator('.views code').allInnerTexts()
    const golden = rows.find(({ file }) => file === 'chelsea-wide.png')
    expect(golden?.patches_sha256.slice(0, 12)).toBe(whole)
    expect(golden?.pan_and_scan.map(({ patches_sha256 }) => patches_sha256.slice(0, 12))).toEqual(crops)
    const sizes = `Promise.all([...document.querySelectorAll('.views img')].map(async (image) => {
      await image.decode()
      return image.naturalWidth + ' x ' + image.naturalHeight
    }))`
    expect(await page.evaluate(sizes)).toEqual(Array.from(names, () => '896 x 896'))
    expect(faults).toEqual([])
  })

  it('stops an answer and keeps what it had', async () => {
    const { page, ...playground } = await open()
    const schema = { type: 'array', items: { type: 'integer' }, minItems: 400 }
    await page.fill('[name=schema]', JSON.stringify(schema))
    await playground.give('drop', examplePath('red-circle.png'))
    await page.press('#question', 'Enter')
    await page.waitForSelector('.answer pre:not(:empty)')
    await page.keyboard.press('Escape')
    await page.waitForSelector('.facts >> text=Stopped.')
    expect(await page.innerText('.answer')).not.toMatch(/\]\s*$/)
    expect(await page.isVisible('#go')).toBe(true)
  })

  it('shows an error with its code, and asks for the key, which is kept in the tab only', async () => {
    const { page, faults, ...playground } = await open()
    const key = 'sk-loupe-AAAAAAAAAAAAAAAA-no-such-key'
    await page.fill('#key', key)
    await page.press('#key', 'Tab')
    await page.waitForSelector('#fault >> visible=true')
    const told = await page.innerText('#fault')
    expect(told).toMatch(/Enter a valid key under Settings\.\s+invalid_api_key · req_[0-9a-f]{32}/)
    const kept = await page.evaluate<string[]>('[JSON.stringify(sessionStorage), JSON.stringify(localStorage)]')
    expect(kept.map((text) => text.includes(key))).toEqual([true, false])
    await page.fill('#key', '')
    await page.press('#key', 'Tab')
    await playground.give('drop', examplePath('red-circle.png'))
    expect(await playground.ask(CIRCLE)).toBe('The circle is red.')
    expect(await page.isVisible('#fault')).toBe(false)
    expect(faults.every((fault) => fault.includes('401'))).toBe(true)
  })

  it('shows words of an answer as words, whatever they look like', async () => {
    const { page, faults, ...playground } = await open()
    const hostile = '<img src=x onerror=alert(1)> **bold** `<b>` [a](javascript:alert(1))'
    const chunks = [{ choices: [{ delta: { content: hostile }, finish_reason: null }] }]
    const body = `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`
    await page.route('**/v1/chat/completions', (route) => route.fulfill({ contentType: 'text/event-stream', body }))
    expect(await playground.ask('?')).toBe('<img src=x onerror=alert(1)> bold <b> [a](javascript:alert(1))')
    expect(await page.locator('.answer :is(img, a, b)').count()).toBe(0)
    expect(await page.locator('.answer :is(strong, code)').count()).toBe(2)
    expect(faults).toEqual([])
  })

  it('photographs with a camera, and offers a file where there is none', async () => {
    const { page, faults } = await open()
    await page.click('#photograph')
    await page.waitForSelector('#video >> visible=true')
    await page.click('#shoot')
    expect(await page.getAttribute('#pictures img', 'alt')).toBe('photograph.jpg')
    await page.evaluate('navigator.mediaDevices.getUserMedia = () => Promise.reject(new Error())')
    await page.click('#photograph')
    await page.waitForSelector('#camera-hint >> text=No camera can be used here')
    const chooser = page.waitForEvent('filechooser')
    await page.click('#shoot-file')
    await (await chooser).setFiles(examplePath('red-circle.png'))
    expect(await page.locator('#pictures li').count()).toBe(2)
    expect(faults).toEqual([])
  })

  it('gives its request as code that runs, and gets the same answer', async () => {
    const { page, ...playground } = await open()
    await page.fill('[name=system]', 'It costs $5, not `6` or \\7.')
    await page.fill('[name=top_k]', '1')
    await playground.give('drop', examplePath('red-circle.png'))
    const answer = await playground.ask(CIRCLE)
    await page.click('#code')
    const printed = []
    for (const language of ['curl', 'typescript'] as const) {
      await page.check(`[value=${language}]`)
      const code = await page.innerText('#source')
      printed.push(await runCode(code, language, dirname(examplePath('red-circle.png'))))
    }
    expect(printed).toEqual([expect.stringContaining(JSON.stringify(answer)), answer])
    await page.check('[value=python]')
    expect(await page.innerText('#source')).toContain('picture("red-circle.png", "image/png")')
  })

  it('is used by the keyboard alone', async () => {
    const { page } = await open()
    await tabTo(page, '[data-example=red-circle]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#pictures li')
    await tabTo(page, '#question')
    await page.keyboard.type(CIRCLE)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.answer >> text=The circle is red.')
    expect(await page.innerText('#spoken')).toBe('The circle is red.')
    await tabTo(page, '.asked .look')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.views figure')
    await page.keyboard.press('Escape')
    expect(await page.evaluate('document.activeElement.className')).toBe('look')
    await page.keyboard.press('?')
    await page.waitForSelector('#keys-dialog[open]')
  })

  it('has no serious fault for assistive technology, in neither theme', async () => {
    const { page, ...playground } = await open({ reducedMotion: 'reduce' })
    const found: string[] = []
    const look = async () => {
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        found.push(...(await seriousViolations(page)))
      }
    }
    await look()
    await playground.give('drop', examplePath('red-circle.png'), examplePath('two-pink-circles.png'))
    await playground.ask('What is this?')
    await playground.give('paste', examplePath('red-circle.png'), examplePath('two-pink-circles.png'))
    await playground.estimate()
    await page.click('#chats-toggle')
    await look()
    await page.click('#code')
    await look()
    expect(found).toEqual([])
  })

  it('fits a phone: nothing is wider than the screen', async () => {
    const { page, ...playground } = await open({
      viewport: { width: 360, height: 740 },
      hasTouch: true,
      isMobile: true,
    })
    const overflow = () => page.evaluate('document.documentElement.scrollWidth - innerWidth')
    const seen = [await overflow()]
    await playground.give('drop', examplePath('red-circle.png'), examplePath('two-pink-circles.png'))
    await playground.ask('What is this?')
    seen.push(await overflow())
    await page.click('#settings-toggle')
    seen.push(await overflow())
    expect(seen).toEqual([0, 0, 0])
  })
})
