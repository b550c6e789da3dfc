import { expect, it } from 'vitest'
import { packLog } from './pack-log.ts'

it('packLog logs the first and the last step of each part, and one every two seconds between', () => {
  const logged: unknown[] = []
  let nowMs = 0
  const onProgress = packLog(
    (level, event, fields) => logged.push([level, event, fields['done_bytes'], fields['seconds']]),
    () => nowMs,
  )
  for (const step of ['read', 'pack'] as const) {
    for (let doneBytes = 10; doneBytes <= 50; doneBytes += 10, nowMs += 700) {
      onProgress({ part: 'vision', step, doneBytes, totalBytes: 50 })
    }
  }
  expect(logged).toEqual(
    ['weights.read', 'weights.pack'].flatMap((event) => [
      ['info', event, 10, 0],
      ['info', event, 40, 2.1],
      ['info', event, 50, 2.8],
    ]),
  )
})
