/** Matches one part, or, if `any`, any number of them. */
export type Wildcard<Part> = ((part: Part) => boolean) | 'any'

/**
 * Whether the wildcards match the parts in order. On a mismatch only the last `any` takes one more part: what precedes it
 * need not be retried, so there are at most as many tests as wildcards times parts.
 */
export function takesAll<Part>(wildcards: readonly Wildcard<Part>[], parts: ArrayLike<Part>): boolean {
  let next = 0
  let at = 0
  let retry: { next: number; at: number } | undefined
  while (at < parts.length) {
    const wildcard = wildcards[next]
    if (wildcard === 'any') {
      next += 1
      retry = { next, at }
    } else if (wildcard?.(parts[at] as Part)) {
      next += 1
      at += 1
    } else if (retry) {
      retry.at += 1
      next = retry.next
      at = retry.at
    } else return false
  }
  return wildcards.slice(next).every((wildcard) => wildcard === 'any')
}
