/** How long an unused item is kept. */
const KEPT_MS = 30_000

/** Items for reuse. `take` returns the most recently used one, so that those needed only in a burst expire. */
export interface Pool<T> {
  take(): T | undefined
  give(item: T): void
}

/** `dispose` is called with each item that expires. */
export function createPool<T>(dispose: (item: T) => void = () => undefined): Pool<T> {
  /** Oldest first. */
  const unused: { readonly item: T; readonly sinceMs: number }[] = []
  let isTimed = false

  function expire(): void {
    const nowMs = performance.now()
    while (unused[0] !== undefined && nowMs - unused[0].sinceMs >= KEPT_MS) {
      const { item } = unused[0]
      unused.shift()
      dispose(item)
    }
    isTimed = false
    if (unused[0] !== undefined) expireIn(unused[0].sinceMs + KEPT_MS - nowMs)
  }

  function expireIn(ms: number): void {
    isTimed = true
    setTimeout(expire, Math.ceil(ms)).unref()
  }

  return {
    take: () => unused.pop()?.item,
    give(item) {
      unused.push({ item, sinceMs: performance.now() })
      if (!isTimed) expireIn(KEPT_MS)
    },
  }
}
