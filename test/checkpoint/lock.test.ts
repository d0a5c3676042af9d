import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Lock, openLock } from '../../src/checkpoint/lock.ts'

let root: string
let dir: string
let children: ChildProcess[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lock-'))
  dir = join(root, 'run')
})

afterEach(async () => {
  await Promise.all(children.map(kill))
  children = []
  await rm(root, { recursive: true, force: true })
})

const script = join(import.meta.dirname, 'lock-holder.ts')

/** Starts a process that asks for the lock, in the namespaces of `prefix`, and resolves with what it got. */
async function startHolder(holder: string, prefix: readonly string[] = []) {
  const [command = '', ...args] = [...prefix, process.execPath, script, dir, holder]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = await once(child.stdout, 'data')
  return { child, lock: JSON.parse(String(line)) as Lock }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      // The one of the listing itself.
      return []
    }
  })
}

describe('the lock of a directory', () => {
  it('is held by one process, which the next one is told about', async () => {
    const { lock } = await startHolder('pid 17 on node-1')

    expect(lock.kind).toBe('locked')
    expect(await openLock(dir, 'me')).toEqual({
      kind: 'held',
      by: 'pid 17 on node-1',
      message: `${dir} is in use by another agent (pid 17 on node-1): ${join(dir, 'agent.lock')} is locked`,
    })
    expect(openFiles()).not.toContain(join(dir, 'agent.lock'))
  })

  it('is told of with no more than a line of what its holder says of itself', async () => {
    await startHolder('x'.repeat(1000))

    expect(await openLock(dir, 'me')).toMatchObject({ kind: 'held', by: 'x'.repeat(200) })
  })

  it('is free at once when its holder is killed', async () => {
    for (const holder of ['first', 'second', 'third']) {
      const { child, lock } = await startHolder(holder)
      expect(lock.kind).toBe('locked')
      await kill(child)
    }
  })

  it('goes to exactly one of many that start together, after a holder was killed', async () => {
    await kill((await startHolder('dead')).child)

    const started = await Promise.all(Array.from({ length: 6 }, (_, n) => startHolder(`starter ${n}`)))

    const kinds = started.map(({ lock }) => lock.kind).sort()
    expect(kinds).toEqual(['held', 'held', 'held', 'held', 'held', 'locked'])
  })

  it('is held against this process, too', async () => {
    const first = await openLock(dir, 'one')
    const second = await openLock(dir, 'two')

    expect(second).toMatchObject({ kind: 'held', by: 'one' })
    expect((await startHolder('three')).lock).toMatchObject({ kind: 'held', by: 'one' })
    release(first)
  })

  it('can be taken again when it was released', async () => {
    const first = await openLock(dir, 'one')
    release(first)
    release(first)

    const second = await openLock(dir, 'two')

    expect((await startHolder('three')).lock).toMatchObject({ kind: 'held', by: 'two' })
    release(second)
  })

  it('outlives the result that was returned for it', async () => {
    await openLock(dir, 'forgetful')
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    for (let n = 0; n < 5; n++) {
      await setImmediate()
      collectGarbage()
    }

    expect((await startHolder('other')).lock).toMatchObject({ kind: 'held', by: 'forgetful' })
  })

  it('leaves an empty file and the name of the holder', async () => {
    const lock = await openLock(dir, 'me')

    expect(await readdir(dir)).toEqual(['agent.lock', 'agent.lock.holder'])
    expect((await stat(join(dir, 'agent.lock'))).size).toBe(0)
    release(lock)
  })

  it('is lost when its file is removed or replaced, and not when that cannot be told', async () => {
    let refused: string | undefined
    let device = 0n
    const stat = (path: string, options: { readonly bigint: true }) => {
      if (refused !== undefined) throw refusal(refused)
      const { dev, ino, mtimeMs } = statSync(path, options)
      return { dev: dev + device, ino, mtimeMs }
    }
    const lock = await openLock(dir, 'me', stat)
    if (lock.kind !== 'locked') throw new Error(lock.message)
    const seen = [lock.isLost()]
    refused = 'EIO'
    seen.push(lock.isLost())
    refused = undefined
    device = 1n
    seen.push(lock.isLost())
    device = 0n
    seen.push(lock.isLost())
    await rm(join(dir, 'agent.lock'))
    seen.push(lock.isLost())
    await writeFile(join(dir, 'agent.lock'), '')
    seen.push(lock.isLost())
    expect(seen).toEqual([false, false, true, false, true, true])
    lock.release()
  })

  it('is given back when nothing can be known of its file', async () => {
    const stat = (): never => {
      throw refusal('ESTALE')
    }

    expect(await openLock(dir, 'me', stat)).toMatchObject({ kind: 'failed', code: 'ESTALE' })
    release(await openLock(dir, 'me'))
  })

  const unshare = ['unshare', '--fork', '--kill-child', '--pid', '--net', '--mount']
  it.skipIf(spawnSync('unshare', [...unshare.slice(1), 'true']).status !== 0)(
    'is seen from other process, network and mount namespaces',
    async () => {
      const { lock } = await startHolder('in a container', unshare)

      expect(lock.kind).toBe('locked')
      expect((await startHolder('in another', unshare)).lock).toMatchObject({ kind: 'held', by: 'in a container' })
    },
  )

  it.skipIf(spawnSync('unshare', ['--mount', 'true']).status !== 0)('is not claimed on a read-only disk', async () => {
    release(await openLock(dir, 'me'))
    const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'

    const { lock } = await startHolder('me', ['unshare', '--mount', 'sh', '-c', readOnly, dir])

    expect(lock).toMatchObject({ kind: 'failed', code: 'EROFS' })
  })

  it.runIf(process.platform === 'linux')('reports a directory that was removed while it was in use', async () => {
    await mkdir(dir)
    const handle = await open(dir)
    await rm(dir, { recursive: true })
    // As a mount does, this leads to it still.
    const path = `/proc/self/fd/${handle.fd}`
    expect(await openLock(path, 'me')).toEqual({
      kind: 'failed',
      code: 'ENOENT',
      message: `cannot lock ${path}/agent.lock: its directory was removed: restart the pod`,
    })
    await handle.close()
  })

  it.each([
    { obstacle: 'a file in place of its directory', path: '', code: 'ENOTDIR' },
    { obstacle: 'something else in place of its file', path: 'agent.lock', code: 'ERR_SQLITE_ERROR' },
  ])('reports $obstacle', async ({ path, code }) => {
    if (path === '') await writeFile(dir, '')
    else {
      release(await openLock(dir, 'me'))
      await writeFile(join(dir, path), 'something else')
    }

    expect(await openLock(path === '' ? join(dir, 'below') : dir, 'me')).toEqual({
      kind: 'failed',
      code,
      message: expect.stringMatching(/^cannot lock .*agent\.lock: ./),
    })
  })
})

const refusal = (code: string) => Object.assign(new Error(`${code}: stat`), { code, syscall: 'stat' })

function release(lock: Lock): void {
  if (lock.kind !== 'locked') throw new Error(`not locked: ${lock.message}`)
  lock.release()
}
