import { basename } from 'node:path'
import type { StoreFs } from '../../src/checkpoint/store-fs.ts'

interface Inode {
  bytes: Buffer
  durable: boolean
}

type Names = ReadonlyMap<string, Inode>

/** Where the next interruption happens, counted in calls of the port, and what it is. */
export interface Interruption {
  readonly step: number
  /** `fail`: the call is refused. `die`: the process is gone, no call ever answers again. */
  readonly how: 'fail' | 'die'
  /** How much of a file being written has reached it, from 0 to 1. */
  readonly part: number
}

/** What a power loss leaves of what was not durable. */
export interface PowerLoss {
  /** How many of the name changes since the last fsync of the directory are lost, newest first; from 0 to 1 of them. */
  readonly namesLost: number
  /** Content that was never flushed: cut short, or right in length and zero. */
  readonly content: 'cut' | 'zeros'
}

/** A directory in memory with inodes, hard links, and a difference between what is written and what is durable. */
export function createFakeDisk() {
  let history: Names[] = [new Map()]
  let interruption: Interruption | undefined
  let steps = 0
  let dead = false
  let death = Promise.withResolvers<'died'>()

  const names = (): Names => history.at(-1) ?? new Map()

  function change(edit: (next: Map<string, Inode>) => void): void {
    const next = new Map(names())
    edit(next)
    history.push(next)
  }

  function find(path: string): Inode {
    const inode = names().get(basename(path))
    if (inode === undefined) throw refusal('ENOENT', path)
    return inode
  }

  async function call<T>(work: (part: number) => T, tear: (part: number) => void = () => {}): Promise<T> {
    if (dead) return new Promise<never>(() => {})
    steps += 1
    if (interruption?.step !== steps) return work(1)
    tear(interruption.part)
    if (interruption.how === 'fail') throw refusal('ENOSPC', 'fake')
    dead = true
    death.resolve('died')
    return new Promise<never>(() => {})
  }

  function write(path: string, bytes: Buffer): Inode {
    const inode = names().get(basename(path)) ?? { bytes, durable: false }
    if (!names().has(basename(path))) change((next) => next.set(basename(path), inode))
    inode.bytes = bytes
    inode.durable = false
    return inode
  }

  const fs: StoreFs = {
    makeDirectory: () => call(() => {}),
    readDirectory: () => call(() => [...names().keys()]),
    readFile: (path) => call(() => find(path).bytes),
    writeFile: (path, bytes) =>
      call(
        () => {
          write(path, bytes).durable = true
        },
        (part) => write(path, bytes.subarray(0, Math.floor(bytes.length * part))),
      ),
    link: (existing, path) =>
      call(() => {
        const inode = find(existing)
        if (names().has(basename(path))) throw refusal('EEXIST', path)
        change((next) => next.set(basename(path), inode))
      }),
    rename: (from, to) =>
      call(() => {
        const inode = find(from)
        if (names().get(basename(to)) === inode) return
        change((next) => {
          next.delete(basename(from))
          next.set(basename(to), inode)
        })
      }),
    unlink: (path) =>
      call(() => {
        find(path)
        change((next) => next.delete(basename(path)))
      }),
    syncDirectory: () =>
      call(() => {
        history = [names()]
      }),
  }

  return {
    fs,
    names: () => [...names().keys()].sort(),
    /** Spoils a file behind everybody's back. */
    spoil(name: string) {
      find(name).bytes = Buffer.from('spoilt')
    },
    /** Resolves when an interruption has killed the process. */
    died: () => death.promise,
    interrupt(next: Interruption) {
      interruption = next
      steps = 0
    },
    /** The process starts again; with a power loss in between, only what was durable is sure to be there. */
    restart(loss?: PowerLoss) {
      dead = false
      interruption = undefined
      death = Promise.withResolvers()
      if (loss === undefined) return
      const kept = history.length - Math.floor((history.length - 1) * loss.namesLost)
      history = [history[kept - 1] ?? new Map()]
      for (const inode of names().values()) {
        if (!inode.durable) inode.bytes = damage(inode.bytes, loss.content)
        inode.durable = true
      }
    },
  }
}

function damage(bytes: Buffer, content: PowerLoss['content']): Buffer {
  return content === 'zeros' ? Buffer.alloc(bytes.length) : bytes.subarray(0, bytes.length >> 1)
}

function refusal(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: refused, ${path}`), { code, syscall: 'fake' })
}
