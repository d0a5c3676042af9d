import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type SystemError, systemError } from '../system-error.ts'
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
  /** Files that hold something that cannot be used. They must not be overwritten before they are kept aside. */
  readonly unusable: readonly { readonly file: string; readonly problem: string }[]
}

/** The newest whole state: `registry.json`, else `.tmp`, else `.prev`. */
export async function loadNewest(files: StateFiles): Promise<Loaded> {
  const { name } = files
  const unusable: { file: string; problem: string }[] = []
  for (const file of [name, `${name}.tmp`, `${name}.prev`]) {
    const found = await readDocument(files, file)
    if (found.kind === 'valid') return { state: found.state, source: file, unusable }
    if (found.kind === 'absent') continue
    // A torn .tmp is what a crash leaves of a save nobody was told about.
    if (found.kind === 'damaged' && file.endsWith('.tmp')) continue
    unusable.push({ file, problem: found.problem })
  }
  return { state: undefined, source: undefined, unusable }
}

const readAttempts = 3

/** An agent whose state were so long had no memory to write it with. Beyond 512 MiB there is not even a string for it. */
const MAX_BYTES = 128 * 1024 * 1024

type Read =
  | Decoded
  | { readonly kind: 'absent' }
  /** Perhaps whole. */
  | { readonly kind: 'unreadable'; readonly problem: string }

/** A refused read may pass (EMFILE, EIO, ESTALE) while losing the state does not, so it is tried again. */
async function readDocument({ fs, dir, retryPauseMs }: StateFiles, file: string): Promise<Read> {
  for (let attempt = 1; ; attempt++) {
    try {
      const bytes = await fs.readFile(join(dir, file), MAX_BYTES)
      return bytes ? decodeDocument(bytes) : { kind: 'damaged', problem: `is longer than ${MAX_BYTES} bytes` }
    } catch (error) {
      const { code } = systemError(error)
      if (code === 'ENOENT') return { kind: 'absent' }
      if (attempt === readAttempts) return { kind: 'unreadable', problem: `cannot be read (${code})` }
      await setTimeout(retryPauseMs)
    }
  }
}

/** Makes `bytes` the newest state and the newest until now the previous one. The steps of the table in store.ts. */
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
    // Gives a full disk its room back.
    await ignoreRefusal(fs.unlink(temporary))
    return systemError(error)
  }
}

/**
 * `.prev` is the second line of defence: a file system without hard links does without, and no save fails for it.
 * Linking comes first because it tells whether there is a newest state: without one `.prev` must stay.
 */
async function keepPrevious({ fs, dir, name }: StateFiles): Promise<void> {
  const previous = join(dir, `${name}.prev`)
  const refused = await ignoreRefusal(fs.link(join(dir, name), previous))
  if (refused !== 'EEXIST') return
  await ignoreRefusal(fs.unlink(previous))
  await ignoreRefusal(fs.link(join(dir, name), previous))
}

const keptAside = 3

export type Moved = { readonly kind: 'moved'; readonly as: string } | ({ readonly kind: 'refused' } & SystemError)

/** Renames a file to the next `registry.json.corrupt-<n>` and drops the oldest of these beyond three. */
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
    for (const oldest of kept.slice(0, Math.max(0, kept.length + 1 - keptAside))) {
      await ignoreRefusal(fs.unlink(join(dir, `${prefix}${oldest}`)))
    }
    return { kind: 'moved', as }
  } catch (error) {
    return { kind: 'refused', ...systemError(error) }
  }
}

async function ignoreRefusal(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return systemError(error).code
  }
}
