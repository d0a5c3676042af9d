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
  return found && { torn: Buffer.from(found.torn).toString(), events: found.events.map((one) => `${one}`) }
}

test('recovers the event behind a torn one, wherever it was torn', () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), fc.nat(), (first, second, cut) => {
      const torn = event(first).slice(0, 1 + (cut % (event(first).length - 1)))
      expect(split(torn + event(second))).toEqual({ torn, events: [event(second)] })
    }),
  )
})

test('takes events apart that lost the newlines between them, behind a torn one or nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.uuid(), { minLength: 2, maxLength: 9 }), fc.nat(), (ids, cut) => {
      const events = ids.map(event)
      const torn = event('torn').slice(0, cut % event('torn').length)
      expect(split(torn + events.join(''))).toEqual({ torn, events })
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
  const events: string[] = []
  let end = line.length
  for (let at = line.lastIndexOf(START); at >= 0; at = at > 0 ? line.lastIndexOf(START, at - 1) : -1) {
    if (!isEvent(line.slice(at, end)) || line.length === end - at) continue
    events.unshift(line.slice(at, end))
    end = at
  }
  return events.length > 0 ? { torn: line.slice(0, end), events } : undefined
}

function isEvent(text: string): boolean {
  try {
    return /^audit\.k8s\.io\//.test(JSON.parse(text).apiVersion)
  } catch {
    return false
  }
}

test('finds the places from which the line is nothing but events, whatever stands before', () => {
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
  expect(parsedOf(`torn${line}`)).toEqual({ found: undefined, parsed: [line.length] })
})

test('parses each event once, however many there are', () => {
  const events = Array.from({ length: 1000 }, (_, n) => event(`${n}`))
  const { found, parsed } = parsedOf(`${START}${events.join('')}`)
  expect(found).toEqual({ torn: START, events })
  expect(parsed.reduce((sum, length) => sum + length, 0)).toBe(events.join('').length)
})

function parsedOf(line: string) {
  const parse = vi.spyOn(JSON, 'parse')
  const found = split(line)
  const parsed = parse.mock.calls.map(([text]) => text.length)
  parse.mockRestore()
  return { found, parsed }
}
