/** A longer wait would be a server's mistake, and would miss its recovery. */
const MAX_MS = 3_600_000

/** Returns the wait in milliseconds for a `Retry-After` in seconds or as an HTTP date; undefined if it is not usable. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? ''
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : dateOf(text) - nowMs
  return waitMs > 0 ? Math.min(waitMs, MAX_MS) : undefined
}

/** Parses all three forms of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 …`, `Sun Nov  6 08:49:37 1994`. */
function dateOf(text: string): number {
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return Number.NaN
  return Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
}
