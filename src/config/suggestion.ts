import leven from 'leven'

/** `batch-max-size` and `batchMaxSize` are variants of `batch_max_size`. */
const plain = (word: string) => word.replace(/[-_\s]/g, '').toLowerCase()

/** The same for `rnu` and `run`: transposed letters are one slip, though two edits. */
const letters = (word: string) => [...word].sort().join('')

function distanceOf(typed: string, candidate: string, maxDistance: number): number {
  return letters(typed) === letters(candidate) && typed !== candidate ? 1 : leven(typed, candidate, { maxDistance })
}

/** Stricter than `suggestion`: allows only a slip or two. For many candidates, where chance resemblance is more likely. */
export function slip(word: string, candidates: readonly string[]): string | undefined {
  const typed = plain(word).slice(0, 64)
  return nearest(typed, candidates, Math.max(1, Math.floor(typed.length / 4)))
}

/** Returns the candidate that `word` probably means: the nearest by edit distance, else the only one that contains it. */
export function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const typed = plain(word).slice(0, 64)
  const near = nearest(typed, candidates, Math.ceil(typed.length / 3))
  if (near !== undefined) return near
  const around = new Set(candidates.filter((candidate) => typed.length > 2 && plain(candidate).includes(typed)))
  return around.size === 1 ? [...around][0] : undefined
}

/** Returns a hint; undefined if nothing is meant. */
export function didYouMean(meant: string | undefined): string | undefined {
  return meant === undefined ? undefined : `did you mean \`${meant}\`?`
}

function nearest(typed: string, candidates: readonly string[], reach: number): string | undefined {
  return candidates
    .map((candidate) => ({ candidate, distance: distanceOf(typed, plain(candidate), reach + 1) }))
    .filter(({ distance }) => distance <= reach)
    .sort((a, b) => a.distance - b.distance)[0]?.candidate
}
