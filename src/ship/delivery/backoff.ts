export interface Attempt {
  /** How many attempts have failed in a row; at least 1. */
  readonly attempt: number
  readonly initialMs: number
  readonly factor: number
  readonly maxMs: number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/**
 * Returns the delay before the next attempt, with full jitter: uniform over (0, cap], where the cap is `initialMs` ×
 * `factor`^(`attempt` − 1), at most `maxMs`. Even at the maximum, the jitter has its full width, so that nodes that lost the
 * same destination at once do not all return to it at once.
 */
export function nextDelayMs({ attempt, initialMs, factor, maxMs, random }: Attempt): number {
  return Math.min(maxMs, initialMs * factor ** (attempt - 1)) * (1 - random())
}
