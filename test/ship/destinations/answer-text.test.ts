import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { presentable } from '../../../src/ship/destinations/answer-text.ts'

const answered = {
  kind: 'answered',
  status: 400,
  requestSent: true,
  retryAfter: undefined,
  location: undefined,
  text: '',
} as const
const secrets = ['s3cr3t-key', '']

function textOf(text: string, status = 400): string {
  const answer = presentable({ ...answered, status, text }, secrets)
  return answer.kind === 'answered' ? answer.text : ''
}

describe('presentable', () => {
  it('makes one printable line of a text', () => {
    expect(textOf(' bad\r\n\tbatch\u0000\u001b[31m is\u2028\u202elarge ')).toBe('bad batch [… is large')
  })

  it('bounds it', () => {
    expect(textOf('too large '.repeat(400))).toBe(`${'too large '.repeat(20)}…`)
    expect(textOf('x'.repeat(4096))).toBe('…')
  })

  it('hides secrets', () => {
    expect(textOf('key s3cr3t-key is unknown, s3cr3t-key!')).toBe('key … is unknown, …!')
    expect(presentable({ kind: 'failed', reason: 'EX: s3cr3t-key' }, secrets)).toEqual({
      kind: 'failed',
      reason: 'EX: ***',
    })
  })

  it('shows where a redirect leads without its query', () => {
    const answer = { ...answered, status: 302 }
    expect(presentable({ ...answer, location: 'https://u:p@sso.example/login?key=1' }, [])).toMatchObject({
      location: 'https://sso.example/login',
    })
    expect(presentable({ ...answer, location: '/login' }, [])).toMatchObject({ location: 'an address of its own' })
    expect(presentable(answer, [])).toMatchObject({ location: undefined })
  })
})

test.each([
  [403, '{"errors":["Forbidden"]}', '{"errors":["Forbidden"]}'],
  [413, '{"errors":["Payload too big: 6291456 > 5242880 bytes"]}', '{"errors":["Payload too … bytes"]}'],
  [
    400,
    '{"errors":[{"status":"400","title":"Bad Request","detail":"API key is missing"}]}',
    '{"errors":[{"status":"400","title":"Bad Request","detail":"API key is missing"}]}',
  ],
  [
    413,
    '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the request is too large","reason":"RequestEntityTooLarge","code":413}',
    '{"kind":"Status","…":{},"status":"Failure","message":"the request is too large","reason":"RequestEntityTooLarge","code":413}',
  ],
  [
    413,
    '<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx/1.25.3</center>\r\n</body>\r\n</html>',
    '<html> <head><title>413 Request Entity Too Large</title></head> <body> <center><h1>413 Request Entity Too Large</h1></center> <hr><center>nginx/…</center> </body> </html>',
  ],
  [
    400,
    `failed to parse field [user.name] of type [date]. Preview of field's value: 'alice'`,
    `failed to parse field [….name] of type [date]. … of field's value: '…'`,
  ],
  [
    503,
    'upstream connect error or disconnect/reset before headers',
    'upstream connect error or disconnect/reset before headers',
  ],
])('an operator still reads why: %s %s', (status, text, shown) => {
  expect(textOf(text, status)).toBe(shown)
})

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`)
const json = (text: string) => JSON.stringify(text)
const encodings: readonly [string, (line: string) => string][] = [
  ['as it was', (line) => line],
  ['as a JSON string', json],
  ['as JSON in JSON', (line) => json(json(line))],
  [
    'escaped to ASCII',
    (line) => line.replace(/\W/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`),
  ],
  ['for an address', (line) => encodeURIComponent(line.toWellFormed())],
  ['for HTML', escapeHtml],
  ['in base64', (line) => Buffer.from(line).toString('base64')],
  ['in capitals', (line) => line.toUpperCase()],
]

const letters = (text: string) => text.replace(/[^\p{L}\p{N}]+/gu, '')

/** Longer would be a word, or more than two of the short ones that any language has. */
const STRETCH = 6

describe.each(encodings)('what was sent, quoted %s', (_, encode) => {
  // No strings of fast-check's own: among them are `length` and `valueOf`, which are words of answers.
  const character = fc.integer({ min: 0x20, max: 0x2fff }).map((code) => String.fromCharCode(code))
  const word = fc.oneof(
    fc.array(character, { minLength: 4 }).map((characters) => characters.join('')),
    fc.nat().map((number) => `user${number.toString(36)}`),
    fc.ipV4(),
    fc.uuid(),
    fc.uint8Array({ minLength: 6 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  )
  const line = fc.oneof(
    fc.array(word, { minLength: 1 }).map((words) => words.join(' ')),
    fc.dictionary(word, fc.oneof(word, fc.array(word)), { minKeys: 1 }).map((object) => JSON.stringify(object)),
  )
  const answer = fc.constantFrom(
    (text: string) => text,
    (text: string) => `cannot decode ${text} at 5`,
    (text: string) => JSON.stringify({ errors: [`bad message: ${text}`] }),
  )

  it('is not shown', () => {
    fc.assert(
      fc.property(line, answer, (line, answer) => {
        const quoted = encode(line)
        const shown = letters(textOf(answer(quoted)))
        for (const content of [letters(line), letters(quoted)]) {
          for (let at = 0; at + STRETCH <= content.length; at += 1) {
            expect(shown).not.toContain(content.slice(at, at + STRETCH))
          }
        }
      }),
    )
  })

  it('leaves no value of an audit event', () => {
    const event = JSON.stringify({
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      auditID: '8f5d1e0c-2f4b-4a57-9c46-d2f1c3f5a1b0',
      verb: 'create',
      user: { username: 'alice@corp.example' },
      sourceIPs: ['10.4.0.7'],
      objectRef: { name: 'payroll' },
      requestObject: { kind: 'Secret', data: { pw: 'aHVudGVyMg==' } },
    })
    const shown = textOf(JSON.stringify({ error: `cannot decode: ${encode(event)}` })).toLowerCase()
    for (const value of ['8f5d', 'alice', 'corp', 'create', '10.4', '0.7', 'payroll', 'secret', 'ahvu', 'pw']) {
      expect(shown).not.toContain(value)
    }
  })
})
