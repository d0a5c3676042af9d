/** To open a named pipe waits for its writer, perhaps for ever. Those of a shell, as in `<(…)`, are below /dev and have one. */
export function waitsForWriter(path: string, stats: { isFIFO(): boolean }): boolean {
  return stats.isFIFO() && !/^\/(dev|proc)\//.test(path)
}
