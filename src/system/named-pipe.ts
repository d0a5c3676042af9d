/** Whether opening the path may block forever: it is a pipe that may lack a writer. A shell's `<(…)`, below /dev, has one. */
export function waitsForWriter(path: string, stats: { isFIFO(): boolean }): boolean {
  return stats.isFIFO() && !/^\/(dev|proc)\//.test(path)
}
