import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface TestProxy {
  readonly port: number
  /** The requested targets, `host:port`, one per tunnel or forwarded request. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

/** An HTTP proxy for CONNECT and for absolute URLs. Requires `authorization`, if given. Tunnels end at the loopback. */
export async function startHttpProxy(
  options: {
    readonly authorization?: string
    readonly tls?: { readonly cert: string; readonly key: string; readonly ALPNProtocols?: string[] }
  } = {},
): Promise<TestProxy> {
  const asked: string[] = []
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls)
  const refuses = (request: IncomingMessage) =>
    options.authorization !== undefined && request.headers['proxy-authorization'] !== options.authorization
  server.on('connect', (request: IncomingMessage, client: Socket, head: Buffer) => {
    if (refuses(request)) return client.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n')
    asked.push(String(request.url))
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    client.unshift(head)
    join(client, Number(request.url?.split(':').at(-1)))
    return undefined
  })
  server.on('request', (request, response) => {
    if (refuses(request)) return response.writeHead(407).end()
    const { host, hostname, port, pathname, search } = new URL(String(request.url))
    asked.push(host)
    const { method, headers } = request
    const onward = httpRequest({ hostname, port, path: pathname + search, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    return request.pipe(onward)
  })
  return listening(server, asked)
}

interface SocksOptions {
  /** `user:password`, which it requires. */
  readonly login?: string
  /** Each byte of its replies arrives by itself. */
  readonly isSlow?: boolean
  /** What it says right behind its last reply. */
  readonly more?: string
}

/** A SOCKS5 proxy. */
export async function startSocksProxy(options: SocksOptions = {}): Promise<TestProxy> {
  const asked: string[] = []
  const server = createTcpServer((client) => {
    client.on('error', () => undefined)
    negotiate(client, options).then(
      (target) => {
        if (target === undefined) return client.destroy()
        asked.push(`${target.host}:${target.port}`)
        return join(client, target.port)
      },
      // The client has gone.
      () => client.destroy(),
    )
  })
  return listening(server, asked)
}

async function negotiate(client: Socket, { login, isSlow = false, more = '' }: SocksOptions) {
  const say = (bytes: Buffer) => (isSlow ? sayByByte(client, bytes) : client.write(bytes))
  const [, methods = 0] = await take(client, 2)
  await take(client, methods)
  await say(Buffer.from([5, login === undefined ? 0 : 2]))
  if (login !== undefined) {
    const [, nameLength = 0] = await take(client, 2)
    const name = (await take(client, nameLength)).toString()
    const [passwordLength = 0] = await take(client, 1)
    const given = `${name}:${(await take(client, passwordLength)).toString()}`
    await say(Buffer.from([1, given === login ? 0 : 1]))
    if (given !== login) return undefined
  }
  const [, , , type] = await take(client, 4)
  const host = await takeHost(client, type)
  const port = (await take(client, 2)).readUInt16BE()
  await say(Buffer.concat([Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]), Buffer.from(more)]))
  return { host, port }
}

async function sayByByte(client: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    client.write(Buffer.from([byte]))
    await sleep(2)
  }
}

async function takeHost(client: Socket, type: number | undefined): Promise<string> {
  if (type === 1) return (await take(client, 4)).join('.')
  if (type === 4) return (await take(client, 16)).toString('hex')
  const [length = 0] = await take(client, 1)
  return (await take(client, length)).toString()
}

async function take(socket: Socket, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  for (;;) {
    const bytes: Buffer | null = socket.read(length)
    if (bytes !== null) return bytes
    await new Promise((resolve, reject) => {
      socket.once('readable', resolve)
      socket.once('close', reject)
    })
  }
}

function join(client: Socket, port: number): void {
  const onward = connect({ port, host: '127.0.0.1', noDelay: true })
  for (const socket of [client, onward]) socket.on('error', () => undefined)
  client.once('close', () => onward.destroy())
  onward.once('close', () => client.destroy())
  client.pipe(onward).pipe(client)
}

async function listening(server: Server, asked: readonly string[]): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
