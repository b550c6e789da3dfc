import { describe, expect, it } from 'vitest'
import { createTestApp } from '../testing/test-app.ts'
import { scopeOfPath } from './path-scope.ts'

describe('scopeOfPath', () => {
  it.each([
    ['/v1/chat/completions', 'chat'],
    ['/v1/models', 'models'],
    ['/v1/models/org/tiny', 'models'],
    ['/v1/files/file-1/content', 'files'],
    ['/v1/nothing', undefined],
    ['/v1/', undefined],
    ['/v1', undefined],
    ['/v1/constructor', undefined],
    ['/v2/chat', undefined],
  ])('of %s is %s', (path, scope) => {
    expect(scopeOfPath(path)).toBe(scope)
  })

  it('is there for every address of the app, so that none can be used without one', async () => {
    const { routes } = await createTestApp()
    const paths = routes.filter((path) => path.startsWith('/v1/') && path !== '/v1/*')
    expect(paths.length).toBeGreaterThan(3)
    expect(paths.filter((path) => scopeOfPath(path) === undefined)).toEqual([])
  })
})
