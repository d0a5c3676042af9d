import { Buffer } from 'node:buffer'
import type { Origin } from '../../chunk.ts'
import type { Body } from './body.ts'
import type { BodyLimits } from './format.ts'
import { ListBody, withoutReturn } from './list-body.ts'

export interface MessageBodyOptions extends BodyLimits {
  /** Returns the members of every record of the origin, not empty, without braces: `"service":"audit","ddsource":"x"`. */
  attributesOf(origin: Origin): Uint8Array
}

const STATUS_AND_TIME = '"status":"info","timestamp":'

/**
 * Creates Datadog's list: `[{"message":"<line>","status":"info","timestamp":<ms>,<attributes>},…]`. The time is an audit
 * event's own `stageTimestamp`, else the time of reading.
 */
export function createMessageBody(options: MessageBodyOptions): Body {
  return new ListBody(options, {
    prefix: '[',
    suffix: ']',
    reading: 'aside',
    wantsObjects: false,
    growth: 6,
    parts: (origin) => ({
      head: Buffer.from('{"message":"'),
      middle: Buffer.from(`",${STATUS_AND_TIME}`),
      tail: Buffer.concat([Buffer.from(','), options.attributesOf(origin), Buffer.from('}')]),
    }),
    encode: (kernel) => kernel.messages(),
    encodeOne: (kernel) => kernel.message(),
    lineOf: (record) => Buffer.from((JSON.parse(record.toString()) as { readonly message: string }).message),
  })
}

/**
 * Creates Datadog's list with each line's object as the record: `[{<attributes>,"status":"info","timestamp":<ms>,<members of
 * the line>},…]`. Of two members with the same name, receivers take the later, so the line's own wins.
 */
export function createAttributesBody(options: MessageBodyOptions): Body {
  return new ListBody(options, {
    prefix: '[',
    suffix: ']',
    reading: 'ahead',
    wantsObjects: true,
    growth: 1,
    parts: (origin) => ({
      head: Buffer.concat([Buffer.from('{'), options.attributesOf(origin)]),
      middle: Buffer.from(`,${STATUS_AND_TIME}`),
      tail: new Uint8Array(0),
    }),
    encode: (kernel) => kernel.attributes(),
    encodeOne: (kernel) => kernel.attributes(),
    lineOf: (record, payload) => Buffer.concat([Buffer.from('{'), withoutReturn(record.subarray(payload))]),
  })
}
