import { Buffer } from 'node:buffer'
import type { Origin } from '../../src/chunk.ts'
import type { Body } from '../../src/ship/body/body.ts'
import { createJsonListBody } from '../../src/ship/body/json-list-body.ts'
import type { BodyLimits } from '../../src/ship/body/list-body.ts'
import { createAttributesBody, createMessageBody } from '../../src/ship/body/message-body.ts'
import type { ReferenceFormat } from './reference-body.ts'

export const ATTRIBUTES = '"hostname":"n","ddtags":"filename:audit.log"'
export const READ_AT_MS = 1_800_000_000_123
export const FRAMING = { list: ['{"items":[', ']}'], message: ['[', ']'], attributes: ['[', ']'] } as const

export function newBody(
  name: ReferenceFormat['name'],
  limits: BodyLimits,
  attributesOf = () => Buffer.from(ATTRIBUTES),
): Body {
  const [prefix, suffix] = FRAMING[name]
  if (name === 'list') return createJsonListBody({ ...limits, prefix, suffix })
  return name === 'message'
    ? createMessageBody({ ...limits, attributesOf })
    : createAttributesBody({ ...limits, attributesOf })
}

export function originWith(maxLineBytes: number): Origin {
  return { id: 'o', path: '/p', labels: { service: undefined, source: undefined, tags: [] }, maxLineBytes }
}

/** Reads `text` into the body and encodes what it can. */
export function feed(body: Body, text: string | Buffer, maxLineBytes = 1_000_000) {
  const bytes = Buffer.from(text)
  const room = body.room()
  if (room === undefined || room.length < bytes.length) throw new Error('no room')
  room.set(bytes)
  return body.append({ origin: originWith(maxLineBytes), readAtMs: READ_AT_MS, from: 0, length: bytes.length })
}

/** The text of the sealed body. */
export function sealed(body: Body): string {
  body.seal()
  return Buffer.concat(body.slice(0, body.records)).toString()
}
