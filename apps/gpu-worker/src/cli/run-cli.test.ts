import { describe, expect, it } from 'vitest'
import { runLine } from '../testing/cli-fixture.ts'
import { COMMANDS } from './commands.ts'

describe('loupe', () => {
  it('lists every command, as a success only when it was asked to', async () => {
    const asked = await runLine(['--help'])
    expect(asked).toMatchObject({ status: 0, err: '' })
    for (const { summary } of Object.values(COMMANDS)) expect(asked.out).toContain(summary)
    expect(await runLine([])).toEqual({ ...asked, status: 2 })
  })

  it.each(['nothing', 'constructor', '__proto__', 'toString'])('does not know the command %s', async (name) => {
    const { status, out, err } = await runLine([name])
    const said = `loupe: There is no command "${name}". [usage.invalid]\nSee loupe --help.\n`
    expect({ status, out, err }).toEqual({ status: 2, out: '', err: said })
  })

  it.each(Object.keys(COMMANDS))('explains %s by its own help, which begins as the list does', async (name) => {
    const { status, out } = await runLine([name, '--help'])
    expect(status).toBe(0)
    expect(out).toContain(`loupe ${name}: ${COMMANDS[name]?.summary}\n`)
  })
})
