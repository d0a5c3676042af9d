/** So long a spare is kept that nobody takes. */
const KEPT_MS = 30_000

/** Memory that is used again. The one used last is taken first, so that what only a burst needed gets old. */
export interface Spares<T> {
  take(): T | undefined
  give(spare: T): void
}

/** `letGo` is called with each spare that nobody has taken for half a minute. */
export function createSpares<T>(letGo: (spare: T) => void = () => undefined): Spares<T> {
  /** Those given first in front. */
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
