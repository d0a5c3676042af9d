/** Durations and sizes as people write them. */

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: HOUR_MS, d: DAY_MS } as const
const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  k: 1e3,
  kb: 1e3,
  m: 1e6,
  mb: 1e6,
  g: 1e9,
  gb: 1e9,
  ki: 2 ** 10,
  kib: 2 ** 10,
  mi: 2 ** 20,
  mib: 2 ** 20,
  gi: 2 ** 30,
  gib: 2 ** 30,
}

export const DURATION_PATTERN = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$|^\d+(?:\.\d+)?$/
export const SIZE_PATTERN = /^(\d+(?:\.\d+)?)\s*([kKmMgG][iI]?[bB]?|[bB])?$/

/** Returns the milliseconds of `250ms`, `5s`, `1h30m`, or plain seconds; undefined if it is not a duration. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 && Number.isFinite(value) ? value * 1_000 : undefined
  if (typeof value !== 'string' || !DURATION_PATTERN.test(value)) return undefined
  if (/\d$/.test(value)) return Number(value) * 1_000
  let total = 0
  for (const [, amount, unit] of value.matchAll(/([\d.]+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * durationUnits[unit as keyof typeof durationUnits]
  }
  // 4.1 minutes are 245999.99999999997 in binary fractions.
  return Math.round(total * 1_000) / 1_000
}

/** Returns the correct form of `5 s`, `5 seconds` or `5S`, which is `5s`; undefined if no duration can be meant. */
export function durationMeant(value: unknown): string | undefined {
  const meant = compact(value).replace(
    /[a-z]+/g,
    (unit) => durationWords.find(([word]) => word.test(unit))?.[1] ?? unit,
  )
  return /[a-z]$/.test(meant) && parseDuration(meant) !== undefined ? meant : undefined
}

const durationWords: readonly (readonly [RegExp, keyof typeof durationUnits])[] = [
  [/^(?:msecs?|millis(?:econds?)?|milliseconds?)$/, 'ms'],
  [/^(?:secs?|seconds?)$/, 's'],
  [/^(?:mins?|minutes?)$/, 'm'],
  [/^(?:hrs?|hours?)$/, 'h'],
  [/^days?$/, 'd'],
]

/** Returns the correct form of `5 MBs` or `1_000_000`; undefined if no size can be meant. */
export function sizeMeant(value: unknown): string | undefined {
  const meant = compact(value)
    .replace(/(\d)_(?=\d)/g, '$1')
    .replace(/[a-z]+$/, (unit) => sizeNames.get(unit.replace(/s$/, '')) ?? unit)
  return parseSize(meant) === undefined ? undefined : meant
}

const sizeNames: ReadonlyMap<string, string> = new Map([
  ['byte', 'B'],
  ...['kB', 'MB', 'GB', 'KiB', 'MiB', 'GiB'].map((name) => [name.toLowerCase(), name] as const),
])

const compact = (value: unknown) => (typeof value === 'string' ? value.toLowerCase().replace(/\s+/g, '') : '')

/** Returns the bytes of `5MB`, `1MiB`, `512Ki`, or a plain number; undefined if it is not a size. */
export function parseSize(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 && Number.isFinite(value) ? Math.round(value) : undefined
  if (typeof value !== 'string') return undefined
  const match = SIZE_PATTERN.exec(value)
  if (match === null) return undefined
  return Math.round(Number(match[1]) * (sizeUnits[(match[2] ?? 'b').toLowerCase()] ?? 1))
}

/** Uses the largest unit that divides the duration: `90s`, `2m`, `250ms`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= durationUnits[unit] && ms % durationUnits[unit] === 0) return `${ms / durationUnits[unit]}${unit}`
  }
  return `${ms}ms`
}

/** Uses the largest unit that divides the size: `5MB`, `1MiB`, `1234B`. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB']) {
    const size = sizeUnits[unit.toLowerCase()] ?? 1
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes}B`
}
