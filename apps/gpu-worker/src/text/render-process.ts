import { text } from 'node:stream/consumers'
import { Template } from '@huggingface/jinja'
import type { Rendering, TemplateJob } from './render-template.ts'

/** More than any conversation that we ask for; a template may write without end. */
const MOST_CHARACTERS = 65_536

/** The entry of a process of its own: one job from standard input, its renderings to standard output. */
const { template, contexts }: TemplateJob = JSON.parse(await text(process.stdin))
process.stdout.write(JSON.stringify(contexts.map(render)))

function render(context: TemplateJob['contexts'][number]): Rendering {
  try {
    return { text: new Template(template).render(context).slice(0, MOST_CHARACTERS) }
  } catch (error) {
    return { error: String(error).slice(0, MOST_CHARACTERS) }
  }
}
