import { constants } from 'node:buffer'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '../../src/checkpoint/store.ts'
import { diskFs, type StoreFs } from '../../src/checkpoint/store-fs.ts'

let root: string
let dir: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'store-'))
  dir = join(root, 'lib', 'run')
})

afterEach(() => rm(root, { recursive: true, force: true }))

const read = (name: string) => readFile(join(dir, name), 'utf8')

async function saveAll(...states: readonly object[]): Promise<void> {
  const store = await openStore({ dir })
  for (const state of states) expect(await store.save(state)).toEqual({ kind: 'saved' })
}

describe('a store', () => {
  it('starts empty, and says nothing about it', async () => {
    const store = await openStore({ dir })

    expect(store).toMatchObject({ loaded: undefined, recovered: undefined })
    await expect(readdir(root)).resolves.toEqual([])
  })

  it('creates its directory and files for the owner alone', async () => {
    await saveAll({ n: 1 }, { n: 2 })

    const modes = await Promise.all(
      ['..', '.', 'registry.json', 'registry.json.prev'].map(
        async (name) => (await stat(join(dir, name))).mode & 0o777,
      ),
    )
    expect(modes).toEqual([0o700, 0o700, 0o600, 0o600])
  })

  it('writes version, checksum of the bytes of the state, and the state', async () => {
    await saveAll({ text: 'größe "\u2028"', list: [1, -0, null] })

    const state = '{"text":"größe \\"\u2028\\"","list":[1,0,null]}'
    const checksum = createHash('sha256').update(state).digest('hex')
    expect(await read('registry.json')).toBe(`{"version":1,"checksum":"${checksum}","state":${state}}\n`)
  })

  it('loads what was saved last and keeps the state before', async () => {
    await saveAll({ n: 1 }, { n: 2 }, { n: 3 })

    const store = await openStore({ dir })

    expect(store).toMatchObject({ loaded: { n: 3 }, recovered: undefined })
    expect(await readdir(dir)).toEqual(['registry.json', 'registry.json.prev'])
    expect(JSON.parse(await read('registry.json.prev')).state).toEqual({ n: 2 })
  })

  it('reports a refused save, keeps the state before, and saves again as soon as the disk lets it', async () => {
    const store = await openStore({ dir })
    await store.save({ n: 1 })
    await mkdir(join(dir, 'registry.json.tmp'))

    expect(await store.save({ n: 2 })).toEqual({
      kind: 'failed',
      code: 'EISDIR',
      message: expect.stringContaining('registry.json.tmp'),
    })
    expect((await openStore({ dir })).loaded).toEqual({ n: 1 })
    await rmdir(join(dir, 'registry.json.tmp'))
    expect(await store.save({ n: 3 })).toEqual({ kind: 'saved' })
    expect((await openStore({ dir })).loaded).toEqual({ n: 3 })
  })

  it('makes its directory again when somebody removed it', async () => {
    const store = await openStore({ dir })
    await store.save({ n: 1 })
    await rm(join(root, 'lib'), { recursive: true })

    expect(await store.save({ n: 2 })).toEqual({ kind: 'saved' })

    expect((await openStore({ dir })).loaded).toEqual({ n: 2 })
  })

  it('works without hard links, then keeping one state', async () => {
    const refuse = () => Promise.reject(Object.assign(new Error('EPERM: link'), { code: 'EPERM', syscall: 'link' }))
    const store = await openStore({ dir, fs: { ...diskFs, link: refuse } })

    expect([await store.save({ n: 1 }), await store.save({ n: 2 })]).toEqual([{ kind: 'saved' }, { kind: 'saved' }])

    expect(await readdir(dir)).toEqual(['registry.json'])
    expect((await openStore({ dir })).loaded).toEqual({ n: 2 })
  })

  it('rejects a state that cannot be written down, and goes on', async () => {
    const store = await openStore({ dir })

    await expect(store.save({ n: 1n })).rejects.toThrow(TypeError)

    expect(await store.save({ n: 2 })).toEqual({ kind: 'saved' })
  })
})

describe('a state file that cannot be used', () => {
  const whole = (state: string, version = 1) => {
    const checksum = createHash('sha256').update(state).digest('hex')
    return `{"version":${version},"checksum":"${checksum}","state":${state}}\n`
  }

  it.each([
    { content: '', problem: 'is empty' },
    { content: '\0'.repeat(4096), problem: 'holds nothing but zero bytes' },
    { content: '\0'.repeat(9) + whole('{"n":7}'), problem: 'is not a state file' },
    { content: 'hello\n', problem: 'is not a state file' },
    { content: '{"generations":[]}\n', problem: 'is not a state file' },
    { content: whole('{"n":7}').slice(0, -2), problem: 'is cut short' },
    { content: whole('{"n":7}').slice(0, 40), problem: 'is cut short' },
    { content: whole('{"n":7}').replace('7', '8'), problem: 'does not match its checksum' },
    { content: whole('{n:7}', 1), problem: 'is no JSON' },
    { content: whole('{"n":7}', 0), problem: 'has an unknown version (0)' },
    { content: whole('{"n":7}', 2), problem: 'was written by a newer agent (version 2)' },
    { content: '{"version":12}', problem: 'was written by a newer agent (version 12)' },
  ])('is kept aside and replaced by the state before: $problem', async ({ content, problem }) => {
    await saveAll({ n: 1 }, { n: 2 })
    await writeFile(join(dir, 'registry.json'), content)

    const store = await openStore({ dir })

    expect(store.loaded).toEqual({ n: 1 })
    expect(store.recovered).toBe(
      `registry.json ${problem} and was kept as registry.json.corrupt-1; the state was taken from registry.json.prev`,
    )
    expect(await read('registry.json.corrupt-1')).toBe(content)
    await store.save({ n: 3 })
    expect(await openStore({ dir })).toMatchObject({ loaded: { n: 3 }, recovered: undefined })
    expect(await read('registry.json.corrupt-1')).toBe(content)
  })

  it('is kept aside when it is longer than any string', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    await truncate(join(dir, 'registry.json'), constants.MAX_STRING_LENGTH + 1)

    const store = await openStore({ dir })

    expect(store.loaded).toEqual({ n: 1 })
    expect(store.recovered).toMatch(/^registry.json is longer than 134217728 bytes and was kept as/)
  })

  it('is passed over at every single cut of it', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    const content = await read('registry.json')
    for (let length = 0; length < content.length; length++) {
      await writeFile(join(dir, 'registry.json'), content.slice(0, length))
      expect((await openStore({ dir })).loaded).toEqual({ n: 1 })
    }
  })

  it('leaves no state when the state before cannot be used either', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    await writeFile(join(dir, 'registry.json'), '')
    await writeFile(join(dir, 'registry.json.prev'), whole('{}', 3))

    const store = await openStore({ dir })

    expect(store.loaded).toBeUndefined()
    expect(store.recovered).toBe(
      'registry.json is empty and was kept as registry.json.corrupt-1, ' +
        'registry.json.prev was written by a newer agent (version 3) and was kept as registry.json.corrupt-2; ' +
        'no other state was found, so none is used',
    )
    expect(await readdir(dir)).toEqual(['registry.json.corrupt-1', 'registry.json.corrupt-2'])
  })

  it('is replaced by the state before when it is gone', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    await rm(join(dir, 'registry.json'))

    expect(await openStore({ dir })).toMatchObject({
      loaded: { n: 1 },
      recovered: 'registry.json is missing; the state was taken from registry.json.prev',
    })
  })

  it('is replaced by one that was about to take its place, which is newer than the state before', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    await rm(join(dir, 'registry.json'))
    await writeFile(join(dir, 'registry.json.tmp'), whole('{"n":3}'))

    expect(await openStore({ dir })).toMatchObject({
      loaded: { n: 3 },
      recovered: 'registry.json is missing; the state was taken from registry.json.tmp',
    })
  })

  it('is kept three times at most, the oldest going first', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    for (let n = 1; n <= 5; n++) {
      await writeFile(join(dir, 'registry.json'), `broken ${n}`)
      const store = await openStore({ dir })
      await store.save({ n })
    }

    const names = (await readdir(dir)).filter((name) => name.includes('corrupt'))
    expect(names).toEqual([3, 4, 5].map((n) => `registry.json.corrupt-${n}`))
    expect(await Promise.all(names.map(read))).toEqual(['broken 3', 'broken 4', 'broken 5'])
  })

  it('is kept beside what an operator called alike, and after the tenth', async () => {
    await saveAll({ n: 1 })
    for (const name of ['8', '9', '10', 'mine']) await writeFile(join(dir, `registry.json.corrupt-${name}`), name)
    await writeFile(join(dir, 'registry.json'), 'broken')
    await openStore({ dir })

    const names = (await readdir(dir)).filter((name) => name.includes('corrupt'))
    expect(names.toSorted()).toEqual(['10', '11', '9', 'mine'].map((name) => `registry.json.corrupt-${name}`))
    expect(await Promise.all(names.toSorted().map(read))).toEqual(['10', 'broken', '9', 'mine'])
  })

  it('may be gone by the time the lock is there', async () => {
    await saveAll({ n: 1 })
    await writeFile(join(dir, 'registry.json'), 'broken')
    const store = await openStore({ dir, locked: false })
    await rm(join(dir, 'registry.json'))

    expect(await store.save({ n: 2 })).toEqual({ kind: 'saved' })
    expect(await openStore({ dir })).toMatchObject({ loaded: { n: 2 }, recovered: undefined })
  })

  /** A disk that says which files there are, and lets none be read. */
  const unreadable = (code: string): StoreFs => ({
    ...diskFs,
    async readFile(path) {
      await stat(path)
      throw Object.assign(new Error(`${code}: open`), { code, syscall: 'open' })
    },
  })

  it.each(['EACCES', 'EPERM', 'EIO'])(
    'is not touched without the lock, and is used once it can be read again (%s)',
    async (code) => {
      await saveAll({ n: 1 }, { n: 2 })

      const store = await openStore({ dir, locked: false, retryPauseMs: 0, fs: unreadable(code) })

      expect(store.loaded).toBeUndefined()
      expect(store.recovered).toBe(
        `registry.json cannot be read (${code}) and is not kept aside yet, ` +
          `registry.json.prev cannot be read (${code}) and is not kept aside yet; no other state was found, so none is used`,
      )
      expect(await readdir(dir)).toEqual(['registry.json', 'registry.json.prev'])
      expect(await openStore({ dir })).toMatchObject({ loaded: { n: 2 }, recovered: undefined })
    },
  )

  it('is kept aside as it was, and that is said, when it cannot be read under the lock', async () => {
    await saveAll({ n: 1 })
    const content = await read('registry.json')

    const store = await openStore({ dir, retryPauseMs: 0, fs: unreadable('EACCES') })

    expect(store).toMatchObject({
      loaded: undefined,
      recovered:
        'registry.json cannot be read (EACCES) and was kept as registry.json.corrupt-1; ' +
        'no other state was found, so none is used',
    })
    await store.save({ n: 2 })
    expect(await read('registry.json.corrupt-1')).toBe(content)
  })

  it('is kept aside also as .tmp when it cannot be read: it may be whole', async () => {
    await saveAll({ n: 1 })
    await rename(join(dir, 'registry.json'), join(dir, 'registry.json.tmp'))

    const store = await openStore({ dir, retryPauseMs: 0, fs: unreadable('EIO') })

    expect(store.recovered).toBe(
      'registry.json.tmp cannot be read (EIO) and was kept as registry.json.corrupt-1; ' +
        'no other state was found, so none is used',
    )
  })

  it('is tried again before it is given up', async () => {
    await saveAll({ n: 1 }, { n: 2 })
    let refusals = 2
    const beganAtMs = performance.now()
    const store = await openStore({
      dir,
      retryPauseMs: 20,
      fs: {
        ...diskFs,
        readFile: (path, maxBytes) => {
          if (refusals === 0) return diskFs.readFile(path, maxBytes)
          refusals -= 1
          return Promise.reject(Object.assign(new Error('EMFILE: open'), { code: 'EMFILE', syscall: 'open' }))
        },
      },
    })

    expect(store).toMatchObject({ loaded: { n: 2 }, recovered: undefined })
    // A timer may be early by a millisecond.
    expect(performance.now() - beganAtMs).toBeGreaterThanOrEqual(38)
  })

  it('is never overwritten before it is aside, so that a read-only disk does not cost it', async () => {
    await saveAll({ n: 1 })
    const newer = whole('{"n":7}', 2)
    await writeFile(join(dir, 'registry.json'), newer)
    let readOnly = true
    const store = await openStore({
      dir,
      fs: {
        ...diskFs,
        rename: (from, to) =>
          readOnly
            ? Promise.reject(Object.assign(new Error('EROFS: rename'), { code: 'EROFS', syscall: 'rename' }))
            : diskFs.rename(from, to),
      },
    })
    expect(store.recovered).toBe(
      'registry.json was written by a newer agent (version 2) and is not kept aside yet; ' +
        'no other state was found, so none is used',
    )
    expect(await store.save({ n: 8 })).toEqual({ kind: 'failed', code: 'EROFS', message: 'EROFS: rename' })
    expect(await read('registry.json')).toBe(newer)

    readOnly = false

    expect(await store.save({ n: 9 })).toEqual({ kind: 'saved' })
    expect(await read('registry.json.corrupt-1')).toBe(newer)
    expect((await openStore({ dir })).loaded).toEqual({ n: 9 })
  })
})
