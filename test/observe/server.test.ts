import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Log } from '../../src/log.ts'
import { type LocalServer, type ServerOptions, startServer } from '../../src/observe/server.ts'
import type { Status } from '../../src/observe/status.ts'
import { sampleStatus } from './sample-status.ts'

let runPath: string
let running: LocalServer[]
let messages: string[]

beforeEach(async () => {
  runPath = await mkdtemp(join(tmpdir(), 'tailship-server-'))
  running = []
  messages = []
})
afterEach(async () => {
  await Promise.all(running.map((server) => server.close()))
  await rm(runPath, { recursive: true })
})

const keep = (_: unknown, message: string) => {
  messages.push(message)
}
const log: Log = { trace: keep, debug: keep, info: keep, warn: keep, error: keep }

async function start(changes: Partial<ServerOptions> = {}): Promise<LocalServer> {
  const server = await startServer({ runPath, listen: undefined, status: () => sampleStatus, log, ...changes })
  running.push(server)
  return server
}

const overSocket = () => ({ socketPath: join(runPath, 'agent.sock') })
const overTcp = (server: LocalServer) => ({ host: '127.0.0.1', port: server.port() })

async function ask(address: object, path: string, method = 'GET') {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...address, path, method }, resolve)
      .on('error', reject)
      .end()
  })
  return { code: response.statusCode, headers: response.headers, body: await text(response) }
}

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length
}

/** The code of the error, if any. */
async function connectTo(path: string, connected: Socket[]): Promise<string | undefined> {
  const socket = connect(path)
  connected.push(socket)
  return await new Promise((resolve) => {
    socket.once('connect', () => resolve(undefined)).once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
  })
}

describe('the pages', () => {
  it('are the same over the unix socket and TCP', async () => {
    const server = await start({ listen: { host: '127.0.0.1', port: 0 } })
    for (const address of [overSocket(), overTcp(server)]) {
      const status = await ask(address, '/status')
      expect([status.code, status.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
      expect(JSON.parse(status.body)).toEqual(JSON.parse(JSON.stringify(sampleStatus)))
      const metrics = await ask(address, '/metrics?format=text')
      expect([metrics.code, metrics.headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
      expect(metrics.body).toContain('tailship_build_info{version="1.2.3"} 1\n')
    }
    expect(server.problems()).toEqual([])
  })

  it('answer a probe with 200 or 503 and the reasons', async () => {
    const health: Status['health'] = {
      ...sampleStatus.health,
      ready: { ok: false, reasons: ['the agent is draining'] },
    }
    await start({ status: () => ({ ...sampleStatus, health }) })
    const answers = await Promise.all(['/live', '/ready', '/startup'].map((path) => ask(overSocket(), path)))
    expect(answers.map(({ code, body }) => [code, JSON.parse(body)])).toEqual([
      [200, { ok: true, reasons: [] }],
      [503, { ok: false, reasons: ['the agent is draining'] }],
      [200, { ok: true, reasons: [] }],
    ])
  })

  it('are only these, and only for GET and HEAD', async () => {
    await start()
    const other = await Promise.all(
      ['/', '/status/', '/toString', '//status'].map((path) => ask(overSocket(), path).then(({ code }) => code)),
    )
    expect(other).toEqual([404, 404, 404, 404])
    const post = await ask(overSocket(), '/status', 'POST')
    expect([post.code, post.headers.allow]).toEqual([405, 'GET, HEAD'])
    const head = await ask(overSocket(), '/live', 'HEAD')
    expect([head.code, head.body, head.headers['content-length']]).toEqual([200, '', '25'])
  })

  it('say 500 when a status cannot be made, and go on', async () => {
    let broken = true
    await start({
      status: () => {
        if (broken) throw new Error('a defect')
        return sampleStatus
      },
    })
    expect((await ask(overSocket(), '/status')).code).toBe(500)
    broken = false
    expect((await ask(overSocket(), '/status')).code).toBe(200)
    expect(messages).toContain('the status could not be made')
  })
})

describe('the unix socket', () => {
  it('of its own is served where the run path cannot have one, and both where it can', async () => {
    const socket = join(runPath, 'other.sock')
    const server = await start({ runPath: join(runPath, 'none'), sockets: [socket] })
    expect((await ask({ socketPath: socket }, '/live')).code).toBe(200)
    expect((await stat(socket)).mode & 0o777).toBe(0o600)
    await server.close()
    await start({ sockets: [socket, socket] })
    for (const socketPath of [socket, join(runPath, 'agent.sock')]) {
      expect((await ask({ socketPath }, '/live')).code).toBe(200)
    }
  })

  it('takes the place of no other file', async () => {
    const path = join(runPath, 'a-file')
    await writeFile(path, 'precious')
    const server = await start({ sockets: [path] })
    expect(server.problems()).toEqual([
      `status is not served on ${path}: a file of that name exists and is not a socket`,
    ])
    expect(await readFile(path, 'utf8')).toBe('precious')
  })

  it('of its own may be the one in the run path', async () => {
    const server = await start({ sockets: [join(runPath, 'agent.sock')] })
    expect(server.problems()).toEqual([])
    expect((await ask(overSocket(), '/live')).code).toBe(200)
  })

  it('is for its owner alone and gone after closing', async () => {
    const server = await start()
    expect((await stat(join(runPath, 'agent.sock'))).mode & 0o777).toBe(0o600)
    await server.close()
    await expect(stat(join(runPath, 'agent.sock'))).rejects.toMatchObject({ code: 'ENOENT' })
    running = []
  })

  it('takes the place of what a killed agent left behind', async () => {
    // A name of its socket that outlives it.
    const killed = createServer().listen(join(runPath, 'killed.sock'))
    await once(killed, 'listening')
    await link(join(runPath, 'killed.sock'), join(runPath, 'agent.sock'))
    await new Promise((resolve) => killed.close(resolve))
    const server = await start()
    expect(server.problems()).toEqual([])
    expect((await ask(overSocket(), '/live')).code).toBe(200)
  })

  it('leaves a living one alone and takes over when that is gone', async () => {
    const first = await start()
    const second = await start({ retryMs: 20 })
    expect(second.problems()).toEqual([
      `status is not served on ${join(runPath, 'agent.sock')}: another process serves it`,
    ])
    expect((await ask(overSocket(), '/live')).code).toBe(200)
    const sockets = openSockets()
    const refusals = messages.length
    await expect.poll(() => messages.length, { timeout: 5000 }).toBeGreaterThan(refusals + 3)
    expect(openSockets()).toBeLessThanOrEqual(sockets + 2)
    await first.close()
    await expect.poll(() => second.problems()).toEqual([])
    expect((await ask(overSocket(), '/live')).code).toBe(200)
  })

  it('leaves alone one whose process does not get to its connections', async () => {
    const path = join(runPath, 'agent.sock')
    const code = `net.createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => process.kill(process.pid, 'SIGSTOP'))`
    const stopped = spawn(process.execPath, ['-e', code])
    const waiting: Socket[] = []
    try {
      // Until its queue is full.
      await expect.poll(() => connectTo(path, waiting), { timeout: 20_000 }).toBe('EAGAIN')
      const server = await start()
      expect(server.problems()).toEqual([`status is not served on ${path}: another process serves it`])
      expect((await stat(path)).isSocket()).toBe(true)
    } finally {
      for (const socket of waiting) socket.destroy()
      stopped.kill('SIGKILL')
    }
  })

  it('is made again when its run path was removed, as soon as that is there again', async () => {
    const server = await start({ retryMs: 1 })
    // At once: from a directory that is emptied first, the socket would come back in between.
    await rename(runPath, `${runPath}-removed`)
    await rm(`${runPath}-removed`, { recursive: true })
    await expect.poll(() => server.problems()).toEqual([expect.stringContaining('agent.sock')])
    await mkdir(runPath)
    await expect.poll(() => server.problems()).toEqual([])
    expect((await ask(overSocket(), '/live')).code).toBe(200)
    const { mode } = await stat(join(runPath, 'agent.sock'))
    expect(mode & 0o777).toBe(0o600)
  })

  it('says what is in the way of its run path', async () => {
    const file = join(runPath, 'file')
    await writeFile(file, '')
    const server = await start({ runPath: file })
    expect(server.problems()).toEqual([expect.stringMatching(/file\/agent\.sock: not a directory \(ENOTDIR\)$/)])
  })

  it('is not tried where its path is too long, with the length in the message', async () => {
    const longPath = join(runPath, 'd'.repeat(120))
    await mkdir(longPath)
    const server = await start({ runPath: longPath })
    expect(server.problems()).toEqual([
      `status is not served: ${longPath}/agent.sock is ${longPath.length + 11} bytes long, and the path of a unix socket may have at most 107: choose a shorter one`,
    ])
  })
})

describe('the TCP address', () => {
  it('is reported and tried again while another process has it', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const server = await start({ listen: { host: '127.0.0.1', port }, retryMs: 20 })
    expect(server.problems()).toEqual([
      `status is not served on 127.0.0.1:${port}: address already in use (EADDRINUSE)`,
    ])
    expect((await ask(overSocket(), '/live')).code).toBe(200)
    await new Promise((resolve) => other.close(resolve))
    await expect.poll(() => server.problems()).toEqual([])
    expect((await ask(overTcp(server), '/live')).code).toBe(200)
  })

  it('is named in the status while it is not served', async () => {
    await start({ listen: { host: '192.0.2.1', port: 80 } })
    const { config } = JSON.parse((await ask(overSocket(), '/status')).body)
    expect(config.problems).toEqual([
      expect.stringMatching(/^status is not served on 192\.0\.2\.1:80: .* \(EADDRNOTAVAIL\)$/),
    ])
  })

  it.each([
    ['between two attempts', 0],
    ['during one', 20],
  ])('is not tried any more after closing %s', async (_, passedMs) => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const server = await start({ listen: { host: '127.0.0.1', port }, retryMs: 20 })
      vi.advanceTimersByTime(passedMs)
      await server.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
    await new Promise((resolve) => other.close(resolve))
  })
})

describe('a bad client', () => {
  const rawConnection = async (): Promise<Socket> => {
    const socket = connect(join(runPath, 'agent.sock'))
    await new Promise((resolve) => socket.once('connect', resolve))
    return socket
  }

  it('is answered with an error when it speaks no HTTP or sends an endless head', async () => {
    await start()
    const speak = async (words: string) => {
      const socket = await rawConnection()
      socket.write(words)
      return (await text(socket)).split('\r\n', 1)[0]
    }
    expect(await speak('\x16\x03\x01garbage\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request')
    expect(await speak(`GET /live HTTP/1.1\r\nX: ${'x'.repeat(9000)}`)).toMatch(/^HTTP\/1.1 431 /)
  })

  it('does not keep the server from closing', async () => {
    const server = await start()
    const sockets = await Promise.all([rawConnection(), rawConnection()])
    const closed = sockets.map(
      (socket) => new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve)),
    )
    await server.close()
    await Promise.all(closed)
    running = []
  })

  it('cannot use up more than 64 connections', async () => {
    await start()
    const sockets: Socket[] = []
    while (sockets.length < 64) sockets.push(await rawConnection())
    await expect(ask(overSocket(), '/live')).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
    for (const socket of sockets) socket.destroy()
    await expect
      .poll(() =>
        ask(overSocket(), '/live').then(
          ({ code }) => code,
          () => 0,
        ),
      )
      .toBe(200)
  })
})

it('answers the HTTP/1.0 of a probe and ends the connection', async () => {
  await start()
  const socket = connect(join(runPath, 'agent.sock'))
  socket.write('GET /live HTTP/1.0\r\nHost: agent\r\n\r\n')
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\{"ok":true,"reasons":\[\]\}\n$/s)
})
