import { copyFileSync } from 'node:fs'
import { Fault, type FileFacts, type Files, nodeFiles } from '../../src/tail/file/files.ts'

/**
 * Volumes that were cloned block by block: a file and its clone have the same inode and birth time on different devices.
 * Change `deviceOf` to give a volume another device number, as remounting does.
 */
export function clonedVolumes() {
  const deviceOf: Record<string, string> = {}
  const clones = new Map<string, { readonly volume: string; readonly of: FileFacts }>()
  const keyOf = ({ ino, birth }: FileFacts) => `${ino}:${birth}`

  function seen(facts: FileFacts | Fault): FileFacts | Fault {
    const clone = facts instanceof Fault ? undefined : clones.get(keyOf(facts))
    if (facts instanceof Fault || !clone) return facts
    const { ino, birth } = clone.of
    return { ...facts, dev: deviceOf[clone.volume] ?? clone.volume, ino, birth }
  }

  function real(path: string): FileFacts {
    const facts = nodeFiles.stat(path)
    if (facts instanceof Fault) throw new Error(facts.message)
    return facts
  }

  const files: Files = {
    ...nodeFiles,
    stat: (path) => seen(nodeFiles.stat(path)),
    facts: (fd) => seen(nodeFiles.facts(fd)),
  }
  return {
    files,
    deviceOf,
    /** Puts an existing file on a volume. */
    put: (path: string, volume: string) => void clones.set(keyOf(real(path)), { volume, of: real(path) }),
    /** Clones a file of one volume onto another. */
    clone(from: string, to: string, volume: string): void {
      copyFileSync(from, to)
      clones.set(keyOf(real(to)), { volume, of: clones.get(keyOf(real(from)))?.of ?? real(from) })
    },
  }
}
