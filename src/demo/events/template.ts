/**
 * An audit event as text with gaps. Encoding an event costs far more than filling gaps, so each kind of event is encoded
 * once, and only the values that differ between events are filled in.
 */
export interface Template {
  readonly literals: readonly string[]
  /** The value of slot `slots[i]`, an index into `slotNames`, goes between `literals[i]` and `literals[i + 1]`. */
  readonly slots: readonly number[]
}

const slotNames = [
  'auditId',
  'receivedAt',
  'stageAt',
  'namespace',
  'name',
  'uid',
  'version',
  'node',
  'address',
] as const
export type SlotName = (typeof slotNames)[number]

/** Values in the order of `slotNames`. They need no JSON escaping, at any depth of embedding. */
export type SlotValues = readonly string[]

/** Private-use characters mark a gap: they never occur in content, and no encoder changes them. */
const open = '\uE000'
const close = '\uE001'
const gap = new RegExp(`${open}(\\w+)${close}`)

export function slot(name: SlotName): string {
  return open + name + close
}

/** Encodes like Go's encoding/json, which escapes what could end a script element or a line of JavaScript. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

export function compileTemplate(text: string): Template {
  const literals: string[] = []
  const slots: number[] = []
  text.split(gap).forEach((piece, index) => {
    if (index % 2 === 0) literals.push(piece)
    else slots.push(slotNames.indexOf(piece as SlotName))
  })
  return { literals, slots }
}

export function fillTemplate(template: Template, values: SlotValues): string {
  const { literals, slots } = template
  let text = literals[0] ?? ''
  for (let index = 0; index < slots.length; index++) {
    text += values[slots[index] ?? 0] ?? ''
    text += literals[index + 1] ?? ''
  }
  return text
}
