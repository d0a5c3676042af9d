/** A token bucket as pure arithmetic, without timers or a queue. All times are milliseconds of one monotonic clock. */
export interface TokenBucket {
  /** Returns the whole tokens available at that time if none is taken before. */
  tokensAt(atMs: number): number
  /** Takes a token; false if there is none. */
  take(nowMs: number): boolean
  /** Returns when the next token is available: not in the future if one already is. */
  nextTokenMs(): number
}

/**
 * Creates a full bucket. In any window of t seconds, at most `burst` + `qps` × t tokens are taken:
 *
 * Accrual starts with a take that finds the bucket full: A(x) = qps × (x − start). The bucket then holds
 * burst − taken + floor(A) tokens. A window is tightest when it starts with a take at time a. Let that take be in the same
 * accrual as a take at b.
 * - A take at b needs a token: taken(b), itself included, ≤ burst + A(b).
 * - Either the bucket was not full when the window started, or A = taken = 0. Not full means taken > floor(A(a)), both whole,
 *   so in both cases taken before a ≥ A(a). The difference, the takes in the window, is ≤ burst + qps × (b − a).
 * - If a take at r within the window finds the bucket full again, taken(r) ≤ A(r), so the takes until r are ≤ qps × (r − a),
 *   and a new window starts at r. Only there are overflowing tokens discarded.
 *
 * Counting from one start, rather than adding to a sum, also keeps the rate exact: nothing is rounded twice.
 */
export function createTokenBucket(qps: number, burst: number): TokenBucket {
  let startMs = 0
  let taken = 0

  function tokensAt(atMs: number): number {
    if (taken === 0) return burst
    return Math.min(burst, burst - taken + Math.floor(((atMs - startMs) * qps) / 1000))
  }

  return {
    tokensAt,
    take(nowMs) {
      const tokens = tokensAt(nowMs)
      if (tokens < 1) return false
      if (tokens === burst) {
        startMs = nowMs
        taken = 0
      }
      taken += 1
      return true
    },
    nextTokenMs: () => startMs + ((taken + 1 - burst) * 1000) / qps,
  }
}
