/** A token bucket as arithmetic: no timer, no queue. Times are ms on one clock that does not go back. */
export interface TokenBucket {
  /** Whole tokens available at that time if none is taken before. */
  tokensAt(atMs: number): number
  /** Takes a token if there is one. */
  take(nowMs: number): boolean
  /** When the next token is available; not in the future if there is one already. */
  nextTokenMs(): number
}

/**
 * Starts full. Over any window of t seconds at most `burst` + `qps` × t tokens are taken:
 *
 * The clock of accrual starts with the take that finds the bucket full, and A(x) = qps × (x − start) counts from there;
 * there are burst − taken + floor(A) tokens. A window is tightest when it starts with a take at time a; say that take
 * is in the same accrual.
 * - A take at b needs a token: taken(b), itself included, ≤ burst + A(b).
 * - The bucket was not full when the window started, or started full with A = taken = 0. So taken before a ≥ A(a): not
 *   full means taken > floor(A(a)), both whole. The difference, the takes in the window, is ≤ burst + qps × (b − a).
 * - When the bucket is found full again at r within the window, taken(r) ≤ A(r), so the takes until r are ≤ qps × (r − a),
 *   and what follows r is a window of its own. Overflowing tokens are discarded there and nowhere else.
 *
 * Counting from one start instead of adding to a sum also keeps the rate exact: nothing is rounded twice.
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
