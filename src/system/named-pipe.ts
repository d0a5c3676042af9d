/** Opening a named pipe blocks until it has a writer, perhaps forever. A shell's `<(…)` is below /dev and has one. */
export function waitsForWriter(path: string, stats: { isFIFO(): boolean }): boolean {
  return stats.isFIFO() && !/^\/(dev|proc)\//.test(path)
}
