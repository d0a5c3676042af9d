import { basename, dirname } from 'node:path'
import type { Origin } from '../../chunk.ts'

/**
 * Returns the members that every Datadog record of an origin has, as JSON text without braces:
 * `"hostname":"…","service":"…","ddsource":"…","ddtags":"a:b,filename:audit.log,dirname:/var/log"`.
 */
export function recordAttributes({ path, labels }: Pick<Origin, 'path' | 'labels'>, hostname: string): string {
  // A name that is not UTF-8 contains lone surrogates, which an intake may refuse.
  const name = path.toWellFormed()
  const tags = [...labels.tags, `filename:${basename(name)}`, `dirname:${dirname(name)}`]
  const attributes = {
    hostname,
    service: labels.service,
    ddsource: labels.source,
    ddtags: tags.map(withoutComma).join(','),
  }
  return JSON.stringify(attributes).slice(1, -1)
}

/** A comma ends a tag at the intake and cannot be escaped. */
function withoutComma(tag: string): string {
  return tag.replaceAll(',', '_')
}
