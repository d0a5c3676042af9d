import type { Body } from './body.ts'
import type { BodyLimits, Format } from './format.ts'
import { ListBody, withoutReturn } from './list-body.ts'

export interface JsonListBodyOptions extends BodyLimits {
  readonly prefix: string
  readonly suffix: string
}

const NONE = new Uint8Array(0)

/** Creates a list of the unchanged lines, each of which must be one JSON object. Files are read straight into the list. */
export function createJsonListBody(options: JsonListBodyOptions): Body {
  const format: Format = {
    prefix: options.prefix,
    suffix: options.suffix,
    reading: 'in-place',
    wantsObjects: true,
    growth: 1,
    parts: () => ({ head: NONE, middle: NONE, tail: NONE }),
    encode: (kernel) => kernel.objects(),
    encodeOne: (kernel) => kernel.objects(),
    lineOf: (record) => withoutReturn(record),
  }
  return new ListBody(options, format)
}
