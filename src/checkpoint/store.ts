import { REGISTRY_FILE } from '../run-path.ts'
import type { SystemError } from '../system/system-error.ts'
import { encodeDocument } from './document.ts'
import { type Loaded, loadNewest, moveAside, replaceNewest, type StateFiles } from './state-files.ts'
import { diskFs, type StoreFs } from './store-fs.ts'

export interface Store {
  /** The newest usable state found at the start; undefined if there was none. */
  readonly loaded: unknown
  /** What was wrong with the files at the start and what was done, in one sentence; undefined if nothing was. */
  readonly recovered: string | undefined
  /** Makes a state durable; one call at a time. Rejects only when the state cannot be serialised. */
  save(state: object): Promise<SaveResult>
}

/** After `failed`, a load finds either the previous state or this one; the next save retries everything. */
export type SaveResult =
  | { readonly kind: 'saved' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

interface StoreOptions {
  readonly dir: string
  readonly name?: string
  /** Whether the lock of the directory is held. If not, the files may be another agent's: none is touched before a save. */
  readonly locked?: boolean
  readonly fs?: StoreFs
  /** Pause between attempts to read a file after an error. */
  readonly retryPauseMs?: number
}

/**
 * A JSON document that survives kill -9 and power loss. Loading tries `registry.json`, then `.tmp`, then `.prev`, and
 * takes the first whose checksum shows it is intact.
 *
 * What loading finds when the process or the machine dies after each step of a save (A: the state before the last,
 * B: the last, C: the one being saved):
 *
 * | after                              | registry.json | .tmp         | .prev  | loaded |
 * | ---------------------------------- | ------------- | ------------ | ------ | ------ |
 * | nothing yet                        | B             | absent       | A      | B      |
 * | 1 writing .tmp, before its fsync   | B             | C, any part  | A      | B      |
 * | 2 fsync of .tmp                    | B             | C            | A      | B      |
 * | 3 unlink of .prev                  | B             | C            | absent | B      |
 * | 4 link registry.json to .prev      | B             | C            | B      | B      |
 * | 5 rename .tmp to registry.json     | C             | absent       | B      | C      |
 * | 6 fsync of the directory           | C             | absent       | B      | C, and the save is acknowledged |
 *
 * A power loss between 3 and 6 may also undo any of the name changes of steps 3 to 5; the contents behind the names were
 * durable before, so B or C is loaded. `registry.json` itself is never absent after the first save, because a rename
 * replaces it; if it is missing or damaged nevertheless, an intact `.tmp` is at least as new as `.prev` (each save
 * starts by writing it) and as valid: a state claims only what was settled when it was handed to save, whether or not
 * that save completed.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dir, name = REGISTRY_FILE, locked = true, fs = diskFs, retryPauseMs = 200 } = options
  const files: StateFiles = { fs, dir, name, retryPauseMs }
  const found = await loadNewest(files)
  const unusable = new Set(found.unusable.map(({ file }) => file))
  const keptAs = new Map<string, string>()
  if (locked) await keepUnusable()

  /** Nothing is written before unusable files are moved aside: they may come from a newer agent. */
  async function keepUnusable(): Promise<SystemError | undefined> {
    for (const file of unusable) {
      const moved = await moveAside(files, file)
      if (moved.kind === 'refused' && moved.code !== 'ENOENT') return moved
      if (moved.kind === 'moved') keptAs.set(file, moved.as)
      unusable.delete(file)
    }
    return undefined
  }

  async function save(state: object): Promise<SaveResult> {
    const bytes = encodeDocument(state)
    const refused = (await keepUnusable()) ?? (await replaceNewest(files, bytes))
    return refused === undefined ? { kind: 'saved' } : { kind: 'failed', code: refused.code, message: refused.message }
  }

  return {
    loaded: found.state,
    recovered: describeRecovery(name, found, keptAs),
    save,
  }
}

function describeRecovery(name: string, found: Loaded, keptAs: ReadonlyMap<string, string>): string | undefined {
  const damages = found.unusable.map(({ file, problem }) => {
    const as = keptAs.get(file)
    return `${file} ${problem} and ${as === undefined ? 'is not kept aside yet' : `was kept as ${as}`}`
  })
  if (found.source === name) return undefined
  if (found.source === undefined) {
    return damages.length === 0 ? undefined : `${damages.join(', ')}; no other state was found, so none is used`
  }
  return `${damages.join(', ') || `${name} is missing`}; the state was taken from ${found.source}`
}
