import { Buffer } from 'node:buffer'
import { connect, isIPv4, type Socket } from 'node:net'

/** The target as sent to the proxy, which resolves names. */
export interface Socks5Target {
  readonly host: string
  readonly port: number
}

const VERSION = 5
const CONNECT = 1
const IPV4 = 1
const NAME = 3
const NO_LOGIN = 0
const LOGIN = 2
const ADDRESS_BYTES: Readonly<Record<number, number>> = { [IPV4]: 4, 4: 16 }

/** RFC 1928, section 6. */
const FAILURES: Readonly<Record<number, string>> = {
  2: 'not allowed by its rules',
  3: 'network unreachable',
  4: 'host unreachable',
  5: 'connection refused',
  6: 'time to live expired',
}

/**
 * Connects through the proxy `socks5://[user:password@]host[:1080]`; closes the socket and rejects after the timeout.
 * (undici's own agent supports neither TLS to IP addresses nor HTTP/2.)
 */
export async function connectSocks5(
  proxy: URL,
  target: Socks5Target,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Socket> {
  const socket = connect({
    host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(proxy.port || 1080),
    noDelay: true,
    keepAlive: true,
    signal,
  })
  const expiry = setTimeout(() => socket.destroy(failure('no connection in time')), timeoutMs)
  const failed = Promise.withResolvers<never>()
  socket.once('error', failed.reject)
  socket.once('close', () => failed.reject(failure('closed')))
  const replies = createReplies(socket)
  try {
    await Promise.race([negotiate({ socket, replies }, proxy, target), failed.promise])
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    replies.end()
    clearTimeout(expiry)
  }
}

interface Dialogue {
  readonly socket: Socket
  readonly replies: Replies
}

async function negotiate({ socket, replies }: Dialogue, proxy: URL, { host, port }: Socks5Target): Promise<void> {
  const method = proxy.username === '' ? NO_LOGIN : LOGIN
  socket.write(Buffer.from([VERSION, 1, method]))
  const [, chosen] = await replies.read(2)
  if (chosen !== method) throw failure('the kind of login is refused')
  if (method === LOGIN) await logIn({ socket, replies }, proxy)
  const address = isIPv4(host) ? [IPV4, ...host.split('.').map(Number)] : [NAME, ...lengthPrefixed(host)]
  socket.write(Buffer.from([VERSION, CONNECT, 0, ...address, port >> 8, port & 0xff]))
  const [version, code = 0, , kind = 0] = await replies.read(4)
  if (version !== VERSION) throw failure('does not speak SOCKS5')
  if (code !== 0) throw failure(FAILURES[code] ?? `failure ${code}`)
  const addressBytes = kind === NAME ? (await replies.read(1))[0] : ADDRESS_BYTES[kind]
  if (addressBytes === undefined) throw failure('does not speak SOCKS5')
  await replies.read(addressBytes + 2)
  // If undici found an answer before it has sent its request, it would reconnect endlessly, as fast as it can.
  if (socket.readableLength > 0) throw failure('says more than its reply')
}

/** RFC 1929. */
async function logIn({ socket, replies }: Dialogue, { username, password }: URL): Promise<void> {
  const login = [...lengthPrefixed(decodeURIComponent(username)), ...lengthPrefixed(decodeURIComponent(password))]
  socket.write(Buffer.from([1, ...login]))
  const [, code] = await replies.read(2)
  if (code !== 0) throw failure('user name or password refused')
}

function lengthPrefixed(text: string): readonly number[] {
  const bytes = Buffer.from(text)
  if (bytes.length > 255) throw failure('a name is longer than 255 bytes')
  return [bytes.length, ...bytes]
}

interface Replies {
  /** Returns the next `length` bytes, in however many pieces they arrive. */
  read(length: number): Promise<Buffer>
  /** Stops listening: what follows is for others to read. */
  end(): void
}

/**
 * Adds one listener for all reads. A listener that is added while there are bytes, but too few, is called at once, so that
 * adding one for each attempt to read would leave the missing bytes no time to arrive.
 */
function createReplies(socket: Socket): Replies {
  let wake: () => void = () => undefined
  const onReadable = () => wake()
  socket.on('readable', onReadable)
  return {
    async read(length) {
      for (;;) {
        const bytes: Buffer | null = socket.read(length)
        if (bytes?.length === length) return bytes
        if (bytes !== null) throw failure('closed')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    end() {
      socket.off('readable', onReadable)
    },
  }
}

function failure(what: string): Error {
  return Object.assign(new Error(`SOCKS5 proxy: ${what}`), { code: 'ESOCKS' })
}
