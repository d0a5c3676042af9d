/** Lets one record of a key through per interval and counts the others. */
export interface RateLimit {
  /** How many records of this key were left out since the last one let through; undefined: leave this one out, too. */
  admit(key: string, nowMs: number): number | undefined
}

/** Remembers at most `maxKeys` keys: a key that has been silent longest is forgotten first. */
export function createRateLimit(options: { readonly intervalMs: number; readonly maxKeys: number }): RateLimit {
  const windows = new Map<string, { readonly startedAtMs: number; suppressed: number }>()
  return {
    admit(key, nowMs) {
      const window = windows.get(key)
      if (window !== undefined && nowMs - window.startedAtMs < options.intervalMs) {
        window.suppressed += 1
        return undefined
      }
      windows.delete(key)
      windows.set(key, { startedAtMs: nowMs, suppressed: 0 })
      const oldest = windows.size > options.maxKeys ? windows.keys().next() : undefined
      if (oldest?.value !== undefined) windows.delete(oldest.value)
      return window?.suppressed ?? 0
    },
  }
}
