import { Fault, type Files, nodeFiles } from '../../src/tail/file/files.ts'

/**
 * A file system that can be remounted: paths then lead to the same files as before, but older descriptors fail. `hasBirth`:
 * whether it has birth times; `newDevice`: whether it gets another device number each time.
 */
export function mortalFiles({ hasBirth = true, newDevice = false } = {}) {
  const mounts = new Map<number, number>()
  let mount = 0
  let code = ''
  let isAway = false
  const dead = (fd: number) => (mounts.get(fd) === mount ? undefined : new Fault(code, `${code}: an old descriptor`))
  const away = () => (isAway ? new Fault(code, `${code}: the file system is away`) : undefined)
  const seen = <T>(facts: T): T =>
    facts instanceof Fault
      ? facts
      : { ...facts, ...(hasBirth ? {} : { birth: '0' }), ...(newDevice ? { dev: `device ${mount}` } : {}) }

  const files: Files = {
    ...nodeFiles,
    stat: (path) => away() ?? seen(nodeFiles.stat(path)),
    open(path) {
      const fd = away() ?? nodeFiles.open(path)
      if (!(fd instanceof Fault)) mounts.set(fd, mount)
      return fd
    },
    // fstat works even when the disk is gone, because the kernel keeps the inode.
    facts: (fd) => (code === 'EIO' ? undefined : dead(fd)) ?? seen(nodeFiles.facts(fd)),
    read: async (fd, into, position) => dead(fd) ?? nodeFiles.read(fd, into, position),
    readSync: (fd, into, position) => dead(fd) ?? nodeFiles.readSync(fd, into, position),
    list: (directory) => away() ?? nodeFiles.list(directory),
    close(fd) {
      mounts.delete(fd)
      nodeFiles.close(fd)
    },
  }

  return {
    files,
    /** From now on, earlier descriptors fail with the code `refusal`. */
    remount(refusal: string): void {
      mount += 1
      code = refusal
    },
    /** Whether paths fail, too. */
    refusePaths(isRefused: boolean): void {
      isAway = isRefused
    },
    /** Makes earlier descriptors work again. */
    recover(): void {
      for (const fd of mounts.keys()) mounts.set(fd, mount)
    },
    get open() {
      return mounts.size
    },
  }
}
