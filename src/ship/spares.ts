/** A spare unused for this long is dropped. */
const KEPT_MS = 30_000

/** Memory for reuse. The most recently used is taken first, so that what only a burst needed expires. */
export interface Spares<T> {
  take(): T | undefined
  give(spare: T): void
}

/** `letGo` is called with each spare that expires. */
export function createSpares<T>(letGo: (spare: T) => void = () => undefined): Spares<T> {
  /** Oldest first. */
  const spares: { readonly spare: T; readonly sinceMs: number }[] = []
  let isTimed = false

  function expire(): void {
    const nowMs = performance.now()
    while (spares[0] !== undefined && nowMs - spares[0].sinceMs >= KEPT_MS) {
      const { spare } = spares[0]
      spares.shift()
      letGo(spare)
    }
    isTimed = false
    if (spares[0] !== undefined) expireIn(spares[0].sinceMs + KEPT_MS - nowMs)
  }

  function expireIn(ms: number): void {
    isTimed = true
    setTimeout(expire, Math.ceil(ms)).unref()
  }

  return {
    take: () => spares.pop()?.spare,
    give(spare) {
      spares.push({ spare, sinceMs: performance.now() })
      if (!isTimed) expireIn(KEPT_MS)
    },
  }
}
