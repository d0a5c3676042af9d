import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
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

test.each([
  ['an object without a text of its own', '{"toString":1,"valueOf":1}'],
  ['a deep list', '['.repeat(20_000) + ']'.repeat(20_000)],
  ['a list of one good version', '["audit.k8s.io/v1"]'],
])('takes %s for no version', (_, version) => {
  expect(split(`torn{"kind":"Event","apiVersion":${version}}`)).toBeUndefined()
})

const START = '{"kind":"Event"'

/** Tries every place where an event may begin, from the end. */
function splitByTrying(line: string): ReturnType<typeof split> {
  for (let at = line.lastIndexOf(START); at > 0; at = line.lastIndexOf(START, at - 1)) {
    try {
      if (/^audit\.k8s\.io\//.test(JSON.parse(line.slice(at)).apiVersion)) {
        return { torn: line.slice(0, at), event: line.slice(at) }
      }
    } catch {}
  }
  return undefined
}

test('finds the last place from which the line is an event, whatever stands before', () => {
  const parts = fc.constantFrom(
    ...[START, ',"apiVersion":"audit.k8s.io/v1"', ',"a":[1]', ',"b":"', '\\', '"', '}', '{', ']', '[', ' ', 'é'],
    ...[event('a'), event('\\"}]"{['), event('b').slice(0, 20), ',"requestObject":'],
  )
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (line) => {
      expect(split(line.join(''))).toEqual(splitByTrying(line.join('')))
    }),
    { numRuns: 2000 },
  )
})

test('parses the line once, however many events seem to begin in it', () => {
  const line = `${`${START},"a":`.repeat(1000)}1${'}'.repeat(1000)}`
  const parse = vi.spyOn(JSON, 'parse')
  const found = split(`torn${line}`)
  const parsed = parse.mock.calls.map(([text]) => text.length)
  parse.mockRestore()
  expect([found, parsed]).toEqual([undefined, [line.length]])
})
