import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { attempt, type SystemError, systemError } from '../system/system-error.ts'
import { type Decoded, decodeDocument } from './document.ts'
import type { StoreFs } from './store-fs.ts'

/** The files of one store. */
export interface StateFiles {
  readonly fs: StoreFs
  readonly dir: string
  readonly name: string
  readonly retryPauseMs: number
}

export interface Loaded {
  readonly state: unknown
  /** The file the state came from; undefined when no file was usable. */
  readonly source: string | undefined
  /** Files with unusable content. They must be moved aside before they may be overwritten. */
  readonly unusable: readonly { readonly file: string; readonly problem: string }[]
}

/** The newest intact state: `registry.json`, else `.tmp`, else `.prev`. */
export async function loadNewest(files: StateFiles): Promise<Loaded> {
  const { name } = files
  const unusable: { file: string; problem: string }[] = []
  for (const file of [name, `${name}.tmp`, `${name}.prev`]) {
    const found = await readDocument(files, file)
    if (found.kind === 'valid') return { state: found.state, source: file, unusable }
    if (found.kind === 'absent') continue
    // A crash during a save leaves a torn .tmp; such a save was never acknowledged.
    if (found.kind === 'damaged' && file.endsWith('.tmp')) continue
    unusable.push({ file, problem: found.problem })
  }
  return { state: undefined, source: undefined, unusable }
}

const READ_ATTEMPTS = 3

/** No agent could have written more: it builds the state in memory. A string cannot even hold 512 MiB. */
const MAX_BYTES = 128 * 1024 * 1024

type Read =
  | Decoded
  | { readonly kind: 'absent' }
  /** Perhaps intact. */
  | { readonly kind: 'unreadable'; readonly problem: string }

/** Retries a read error, which may be transient (EMFILE, EIO, ESTALE): giving up loses the state for good. */
async function readDocument({ fs, dir, retryPauseMs }: StateFiles, file: string): Promise<Read> {
  for (let attempt = 1; ; attempt++) {
    try {
      const bytes = await fs.readFile(join(dir, file), MAX_BYTES)
      return bytes ? decodeDocument(bytes) : { kind: 'damaged', problem: `is longer than ${MAX_BYTES} bytes` }
    } catch (error) {
      const { code } = systemError(error)
      if (code === 'ENOENT') return { kind: 'absent' }
      if (attempt === READ_ATTEMPTS) return { kind: 'unreadable', problem: `cannot be read (${code})` }
      await setTimeout(retryPauseMs)
    }
  }
}

/** Makes `bytes` the newest state and the newest so far the previous one, in the steps that store.ts lists. */
export async function replaceNewest(files: StateFiles, bytes: Buffer): Promise<SystemError | undefined> {
  const { fs, dir, name } = files
  const temporary = join(dir, `${name}.tmp`)
  try {
    await fs.makeDirectory(dir)
    await fs.writeFile(temporary, bytes)
    await keepPrevious(files)
    await fs.rename(temporary, join(dir, name))
    await fs.syncDirectory(dir)
    return undefined
  } catch (error) {
    // Frees the space on a full disk.
    await attempt(fs.unlink(temporary))
    return systemError(error)
  }
}

/**
 * `.prev` is only a second line of defence: no save fails because of it, and without hard links there is none. Linking comes
 * first, because it shows whether there is a newest state: if there is none, `.prev` must stay.
 */
async function keepPrevious({ fs, dir, name }: StateFiles): Promise<void> {
  const previous = join(dir, `${name}.prev`)
  const refused = await attempt(fs.link(join(dir, name), previous))
  if (refused?.code !== 'EEXIST') return
  await attempt(fs.unlink(previous))
  await attempt(fs.link(join(dir, name), previous))
}

const KEPT_ASIDE = 3

export type Moved = { readonly kind: 'moved'; readonly as: string } | ({ readonly kind: 'refused' } & SystemError)

/** Renames a file to the next `registry.json.corrupt-<n>` and deletes all but the newest three of these. */
export async function moveAside({ fs, dir, name }: StateFiles, file: string): Promise<Moved> {
  const prefix = `${name}.corrupt-`
  try {
    const kept = (await fs.readDirectory(dir))
      .filter((entry) => entry.startsWith(prefix))
      .map((entry) => Number(entry.slice(prefix.length)))
      .filter(Number.isSafeInteger)
      .sort((a, b) => a - b)
    const as = `${prefix}${(kept.at(-1) ?? 0) + 1}`
    await fs.rename(join(dir, file), join(dir, as))
    for (const oldest of kept.slice(0, Math.max(0, kept.length + 1 - KEPT_ASIDE))) {
      await attempt(fs.unlink(join(dir, `${prefix}${oldest}`)))
    }
    return { kind: 'moved', as }
  } catch (error) {
    return { kind: 'refused', ...systemError(error) }
  }
}
