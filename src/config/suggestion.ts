import leven from 'leven'

/** `batch-max-size` and `batchMaxSize` are `batch_max_size` in another dress. */
const plain = (word: string) => word.replace(/[-_\s]/g, '').toLowerCase()

/** The candidate that `word` was likely meant to be, if any is near enough. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const typed = plain(word).slice(0, 64)
  const reach = Math.ceil(typed.length / 3)
  let best: { readonly candidate: string; readonly distance: number } | undefined
  for (const candidate of candidates) {
    const distance = leven(typed, plain(candidate), { maxDistance: reach + 1 })
    if (distance <= reach && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}
