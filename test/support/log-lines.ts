import { Buffer } from 'node:buffer'
import fc from 'fast-check'

/** Building blocks of lines: what the formats treat specially, at every alignment. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', ' ', '\t', '\r', '\0', '\u2028', 'é', '😀'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.nat(70).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom('{"kind":"Event"', '{"kind":"Event","apiVersion":"audit.k8s.io/v1",') },
  { weight: 1, arbitrary: fc.constantFrom('"stageTimestamp":"2026-11-20T14:33:45.420123Z"', '"stageTimestamp":"2026') },
)
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.from(pieces.join('')))
const json = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.string({ unit: 'binary', maxLength: 30 }), fc.nat(80))
  .map(([value, key, pad]) => Buffer.from(`{${JSON.stringify(key)}:${value},"pad":"${'p'.repeat(pad)}"}`))
const time = fc
  .date({ min: new Date(-1e12), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.toISOString())
const event = fc
  .tuple(fc.oneof(time, fc.string({ maxLength: 30 })), fc.string({ maxLength: 90 }), fc.boolean())
  .map(([stamp, note, more]) =>
    Buffer.from(
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","note":${JSON.stringify(note)},` +
        `"stageTimestamp":${JSON.stringify(stamp)}${more ? `,"annotations":{"a":${JSON.stringify(note)}}` : ''}}`,
    ),
  )
const torn = fc.tuple(event, fc.nat(100), event).map(([a, cut, b]) => Buffer.concat([a.subarray(0, cut), b]))
/** JSON with a single edit, so that it is almost valid. */
const edited = fc
  .tuple(fc.oneof(json, event), fc.nat(), fc.constantFrom('', '"', '\\', '{', ']', '}', '\n', '\t', '\x80'), fc.nat(1))
  .map(([bytes, place, insert, drop]) => {
    const at = place % bytes.length
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(insert, 'latin1'), bytes.subarray(at + drop)])
  })
const escapes = fc
  .array(fc.constantFrom('\\\\', '\\"', '\\\\\\\\', 'x', '{', '}', '[[', 'é', 'x'.repeat(13)), { maxLength: 90 })
  .map((pieces) => Buffer.from(`{"${pieces.join('')}":[]}`))
const line = fc.oneof(
  { weight: 3, arbitrary: text },
  { weight: 5, arbitrary: json },
  { weight: 5, arbitrary: event },
  { weight: 3, arbitrary: edited },
  { weight: 2, arbitrary: escapes },
  { weight: 1, arbitrary: torn },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{}', ' {} ', '{ }', '', '{"a":[{}]}{}', '{]', '[{}]').map((s) => Buffer.from(s)),
  },
)
/** A file of such lines with every kind of line ending; the last line may have none. */
export const logFile = fc
  .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n', '\0\n'))), line)
  .map(([lines, last]) => Buffer.concat([...lines.flatMap(([l, end]) => [l, Buffer.from(end)]), last]))
