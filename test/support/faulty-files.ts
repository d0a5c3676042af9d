import { Fault, type Files, nodeFiles } from '../../src/tail/file/files.ts'

type Call = 'stat' | 'open' | 'facts' | 'read' | 'readSync' | 'list' | 'realpath'

/** The real file system with injected faults: `refuse` makes calls fail until `allow`. */
export function faultyFiles() {
  const refusals = new Map<Call, { readonly code: string; readonly isMeant: (path: string) => boolean }>()
  const paths = new Map<number, string>()
  const counts = new Map<Call, number>()
  let open = 0
  let mostOpen = 0

  function refused(call: Call, path: string): Fault | undefined {
    counts.set(call, (counts.get(call) ?? 0) + 1)
    const refusal = refusals.get(call)
    return refusal?.isMeant(path) ? new Fault(refusal.code, `${refusal.code}: ${call} '${path}'`) : undefined
  }
  const pathOf = (fd: number) => paths.get(fd) ?? ''

  const files: Files = {
    stat: (path) => refused('stat', path) ?? nodeFiles.stat(path),
    open(path) {
      const fd = refused('open', path) ?? nodeFiles.open(path)
      if (fd instanceof Fault) return fd
      paths.set(fd, path)
      open += 1
      mostOpen = Math.max(mostOpen, open)
      return fd
    },
    facts: (fd) => refused('facts', pathOf(fd)) ?? nodeFiles.facts(fd),
    read: async (fd, into, position) => refused('read', pathOf(fd)) ?? nodeFiles.read(fd, into, position),
    readSync: (fd, into, position) => refused('readSync', pathOf(fd)) ?? nodeFiles.readSync(fd, into, position),
    close(fd) {
      paths.delete(fd)
      open -= 1
      nodeFiles.close(fd)
    },
    list: (directory) => refused('list', directory) ?? nodeFiles.list(directory),
    realpath: (path) => refused('realpath', path) ?? nodeFiles.realpath(path),
  }

  return {
    files,
    /** `path`: one path, or a predicate; all paths by default. */
    refuse(calls: readonly Call[], code: string, path?: string | ((path: string) => boolean)): void {
      const isMeant = typeof path === 'string' ? (other: string) => other === path : (path ?? (() => true))
      for (const call of calls) refusals.set(call, { code, isMeant })
    },
    allow: () => refusals.clear(),
    /** Number of calls so far. */
    count: (call: Call) => counts.get(call) ?? 0,
    get open() {
      return open
    },
    get mostOpen() {
      return mostOpen
    },
  }
}

/** The same files on a file system without birth times. */
export function birthless(files: Files): Files {
  const without = <T>(facts: T): T => (facts instanceof Fault ? facts : { ...facts, birth: '0' })
  return { ...files, stat: (path) => without(files.stat(path)), facts: (fd) => without(files.facts(fd)) }
}
