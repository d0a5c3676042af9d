/** Admits one record per key and interval and counts the others. */
export interface RateLimit {
  /** How many records of this key were suppressed since the last admitted one; undefined: suppress this one, too. */
  admit(key: string, nowMs: number): number | undefined
}

/** Remembers at most `maxKeys` keys: the key silent for longest is forgotten first. */
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
