import leven from 'leven'

/** `batch-max-size` and `batchMaxSize` are variants of `batch_max_size`. */
const plain = (word: string) => word.replace(/[-_\s]/g, '').toLowerCase()

/** `rnu` is `run`: transposed letters are one slip, though two edits. */
const letters = (word: string) => [...word].sort().join('')

function distanceOf(typed: string, candidate: string, maxDistance: number): number {
  return letters(typed) === letters(candidate) && typed !== candidate ? 1 : leven(typed, candidate, { maxDistance })
}

/** The candidate probably meant by `word`: the nearest by edit distance, else the only one that contains it. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const typed = plain(word).slice(0, 64)
  const reach = Math.ceil(typed.length / 3)
  const near = candidates
    .map((candidate) => ({ candidate, distance: distanceOf(typed, plain(candidate), reach + 1) }))
    .filter(({ distance }) => distance <= reach)
    .sort((a, b) => a.distance - b.distance)
  if (near[0] !== undefined) return near[0].candidate
  const around = new Set(candidates.filter((candidate) => typed.length > 2 && plain(candidate).includes(typed)))
  return around.size === 1 ? [...around][0] : undefined
}
