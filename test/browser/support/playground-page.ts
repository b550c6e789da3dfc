import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** The playground in a browser of its own, and all that went wrong in it. */
export interface Playground {
  readonly page: Page
  /** Console errors, exceptions, violations of the content policy, and requests to other origins. */
  readonly faults: readonly string[]
  /** Bodies of the chat requests it has sent. */
  readonly asked: readonly Record<string, unknown>[]
  /** Gives it files as the mouse or the clipboard would. */
  give(how: 'drop' | 'paste', ...paths: readonly string[]): Promise<void>
  /** Writes a question, asks it and waits for the answer. @returns the answer */
  ask(question: string): Promise<string>
  /** What is told before asking. */
  estimate(): Promise<string>
  close(): Promise<void>
}

/** Runs in the page before its own scripts; text, because these files know no DOM. */
const IN_PAGE = `
  addEventListener('securitypolicyviolation', ({ blockedURI }) => console.error('policy: ' + blockedURI))
  globalThis.giveFiles = ({ how, files }) => {
    const data = new DataTransfer()
    for (const { name, text } of files) {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
      data.items.add(new File([bytes], name, { type: 'image/png' }))
    }
    const facts = { bubbles: true, cancelable: true }
    const event = how === 'drop'
      ? new DragEvent('drop', { ...facts, dataTransfer: data })
      : new ClipboardEvent('paste', { ...facts, clipboardData: data })
    document.body.dispatchEvent(event)
  }
`

/** Opens the page with nothing kept from before. */
export async function openPlayground(
  browser: Browser,
  edgeUrl: string,
  options: BrowserContextOptions = {},
): Promise<Playground> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  const faults: string[] = []
  const asked: Record<string, unknown>[] = []
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== edgeUrl && !request.url().startsWith('blob:')) faults.push(request.url())
    if (request.url().endsWith('/v1/chat/completions')) asked.push(request.postDataJSON())
  })
  await page.addInitScript({ content: IN_PAGE })
  await page.goto(edgeUrl)
  await page.waitForSelector('#model option', { state: 'attached' })
  const lastAnswer = page.locator('.turn:last-child .answer')
  return {
    page,
    faults,
    asked,
    give: (how, ...paths) => give(page, how, paths),
    async ask(question) {
      await page.fill('#question', question)
      await page.press('#question', 'Enter')
      await page.waitForSelector('.turn:last-child .actions >> visible=true')
      await page.waitForSelector('.turn:last-child .answer:not(:empty)')
      return (await lastAnswer.innerText()).trim()
    },
    async estimate() {
      await page.waitForSelector('#estimate >> text=tokens')
      return page.innerText('#estimate')
    },
    close: () => context.close(),
  }
}

async function give(page: Page, how: 'drop' | 'paste', paths: readonly string[]): Promise<void> {
  const files = paths.map((path) => ({ name: basename(path), text: readFileSync(path).toString('base64') }))
  await page.evaluate(`giveFiles(${JSON.stringify({ how, files })})`)
}

/** Presses Tab until an element has the focus. */
export async function tabTo(page: Page, selector: string): Promise<void> {
  const isThere = `document.activeElement.matches(${JSON.stringify(selector)})`
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate(isThere)) === true) return
  }
  throw new Error(`Tab does not come to ${selector}`)
}

/** What axe finds that keeps people from using the page: the rule and the elements. */
export async function seriousViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations }: AxeResults = await page.evaluate('axe.run()')
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly target: readonly string[] }[]
  }[]
}
