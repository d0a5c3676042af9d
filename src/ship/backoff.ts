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
 * How long to wait before the next attempt: full jitter, which is uniform over (0, cap] where the cap is
 * `initialMs` × `factor`^(`attempt` − 1), at most `maxMs`. The jitter is as wide at the maximum as before it, so that
 * nodes that lost the same destination at the same moment do not come back to it at the same moment.
 */
export function nextDelayMs({ attempt, initialMs, factor, maxMs, random }: Attempt): number {
  return Math.min(maxMs, initialMs * factor ** (attempt - 1)) * (1 - random())
}
