import { readFileSync } from 'node:fs'
import { createSecureServer, type ServerHttp2Stream } from 'node:http2'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { afterEach, expect, it } from 'vitest'
import { openConnections } from '../../../src/ship/http/connections.ts'
import { parseTarget } from '../../../src/ship/http/target.ts'

const fixture = (name: string) => readFileSync(new URL(`../../support/fixtures/tls/${name}`, import.meta.url), 'utf8')
const identity = { cert: fixture('server.pem'), key: fixture('server.key') }
const never = new AbortController().signal
const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A request whose body nobody reads yet. */
interface Held {
  answer(): void
  /** Now reads everything that is still sent, to its end. */
  rest(): Promise<Buffer>
}

const protocols: readonly { name: string; scheme: string; open: (onRequest: (held: Held) => void) => Server }[] = [
  { name: 'HTTP/1.1', scheme: 'http', open: (onRequest) => createServer(holdHttp1(onRequest)) },
  { name: 'HTTP/1.1 over TLS', scheme: 'https', open: (onRequest) => createTlsServer(identity, holdHttp1(onRequest)) },
  { name: 'HTTP/2', scheme: 'https', open: openHttp2 },
]

for (const { name, scheme, open } of protocols) {
  it(`sends nothing that is written to a body after an early answer (${name})`, async () => {
    const held = Promise.withResolvers<Held>()
    const { connections, body } = await start(open(held.resolve), scheme)
    const answer = connections.post({ path: '/', headers: {}, body: { pieces: [body] } }, never)
    const request = await held.promise
    request.answer()
    expect(await answer).toMatchObject({ kind: 'answered', status: 200, requestSent: false })
    body.fill('Z')
    expect((await request.rest()).includes('Z')).toBe(false)
  })

  it(`sends nothing that is written to a body after an abort (${name})`, async () => {
    const held = Promise.withResolvers<Held>()
    const abort = new AbortController()
    const { connections, body } = await start(open(held.resolve), scheme)
    const answer = connections.post({ path: '/', headers: {}, body: { pieces: [body] } }, abort.signal)
    const request = await held.promise
    abort.abort()
    expect(await answer).toEqual({ kind: 'failed', reason: 'aborted' })
    body.fill('Z')
    expect((await request.rest()).includes('Z')).toBe(false)
  })
}

async function start(server: Server, scheme: string) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  const target = parseTarget(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  if (target === undefined) throw new Error('no target')
  const tls = {
    ca: fixture('ca.pem'),
    cert: undefined,
    key: undefined,
    serverName: undefined,
    insecureSkipVerify: false,
  }
  const connections = openConnections({ target, tls, proxy: undefined, allowH2: true, requestTimeoutMs: 10_000 })
  cleanups.push(() => connections.destroy())
  // More than the sockets of both sides buffer.
  return { connections, body: Buffer.alloc(32_000_000, 'a') }
}

function holdHttp1(onRequest: (held: Held) => void): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', () => {
      socket.pause()
      onRequest({
        answer: () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
        rest: () => readToEnd(socket),
      })
    })
  }
}

function openHttp2(onRequest: (held: Held) => void): Server {
  const server = createSecureServer(identity)
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.pause()
    onRequest({
      answer: () => {
        stream.respond({ ':status': 200 })
        stream.end()
      },
      rest: () => readToEnd(stream),
    })
  })
  return server
}

async function readToEnd(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk) => chunks.push(chunk)).resume()
  await new Promise((resolve) => {
    stream.once('error', resolve)
    stream.once('close', resolve)
    stream.once('end', resolve)
  })
  stream.destroy()
  return Buffer.concat(chunks)
}
