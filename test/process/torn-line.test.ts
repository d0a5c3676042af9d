import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitTornLine } from '../../src/process/torn-line.ts'

const event = (id: string) =>
  JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    auditID: id,
    requestObject: { kind: 'Event', apiVersion: 'v1' },
  })

const split = (line: string) => {
  const found = splitTornLine(Buffer.from(line))
  return found && { torn: Buffer.from(found.torn).toString(), event: Buffer.from(found.event).toString() }
}

test('recovers the event behind a torn one, wherever it was torn', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), fc.nat(), (first, second, cut) => {
      const torn = event(first).slice(0, 1 + (cut % (event(first).length - 1)))
      expect(split(torn + event(second))).toEqual({ torn, event: event(second) })
    }),
  )
})

test.each([['plain text'], [event('a').slice(0, 40)], ['{"kind":"Event"}{"kind":"Event"}']])(
  'finds none in %s',
  (line) => {
    expect(split(line)).toBeUndefined()
  },
)
