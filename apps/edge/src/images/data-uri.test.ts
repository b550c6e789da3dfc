import { describe, expect, it } from 'vitest'
import { isDataUri, readDataUri } from './data-uri.ts'

const bytes = Uint8Array.of(0xff, 0xd8, 0xfb, 0xef, 0x00)
const base64 = '/9j77wA='

describe('readDataUri', () => {
  it.each([
    ['the plain form', `data:image/jpeg;base64,${base64}`],
    ['no media type', `data:;base64,${base64}`],
    ['parameters', `data:image/jpeg;charset=utf-8;name=a.jpg;base64,${base64}`],
    ['upper case', `DATA:IMAGE/JPEG;BASE64,${base64}`],
    ['white space round and inside', `  data:image/jpeg; base64 ,\n /9j7\r\n 7wA= \n`],
    ['no padding', 'data:image/jpeg;base64,/9j77wA'],
    ['the URL alphabet', 'data:image/jpeg;base64,_9j77wA='],
    ['percent escapes in base64', 'data:image/jpeg;base64,%2F9j77wA%3D'],
    ['percent-encoded bytes without base64', 'data:image/jpeg,%FF%D8%fb%EF%00'],
  ])('reads %s (rule 21)', (_, address) => {
    expect(isDataUri(address)).toBe(true)
    expect(readDataUri(address)).toEqual(bytes)
  })

  it.each([
    ['no bytes', 'data:image/png;base64,', 'image.empty'],
    ['only white space', 'data:image/png;base64,  \n', 'image.empty'],
    ['no comma', 'data:image/png;base64', 'image.malformed'],
    ['letters that are not base64', 'data:image/png;base64,!!!!', 'image.malformed'],
    ['a broken escape', 'data:image/png;base64,%G0', 'image.malformed'],
  ])('refuses %s', (_, address, code) => {
    expect(() => readDataUri(address)).toThrow(expect.objectContaining({ code }))
  })

  it('does not take other addresses for one', () => {
    expect(isDataUri('https://a.example/data:')).toBe(false)
  })
})
