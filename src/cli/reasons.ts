/** The number of records per reason. */
export type Reasons = ReadonlyMap<string, number>

/** Reasons come from servers' responses. Beyond this many different ones, they are counted together. */
const MAX_REASONS = 30

export function countReason(reasons: Map<string, number>, reason: string): void {
  const key = reasons.has(reason) || reasons.size < MAX_REASONS ? reason : 'other reasons'
  reasons.set(key, (reasons.get(key) ?? 0) + 1)
}

/** Most frequent first. */
export function listOf(reasons: Reasons): readonly { readonly reason: string; readonly records: number }[] {
  return [...reasons].map(([reason, records]) => ({ reason, records })).sort((a, b) => b.records - a.records)
}

export function totalOf(reasons: Reasons): number {
  return [...reasons.values()].reduce((total, records) => total + records, 0)
}
