import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, lstat, rm } from 'node:fs/promises'
import { connect, type ListenOptions, type Server } from 'node:net'
import type { Log } from '../log.ts'
import { socketPathProblem } from './socket-path.ts'

/** An address to serve on: a TCP port, or a unix socket. */
export interface Address {
  readonly name: string
  readonly listen: ListenOptions
  /** Why no attempt can succeed; undefined if one may. */
  readonly impossible: string | undefined
  /** Clears the way for an attempt; throws if one is pointless now. */
  prepare(): Promise<void>
  /** Called once bound. */
  settle(): Promise<void>
  /** Whether the address was removed while being served; undefined if it cannot be removed. */
  readonly isGone: (() => boolean) | undefined
}

/** How many retry pauses lie between checks that the address still exists. */
const PAUSES_PER_LOOK = 10

/** One address, being served or retried. */
export interface Endpoint {
  /** Why it is not served; undefined if it is. */
  problem(): string | undefined
  /** The port in use, for a TCP address. */
  port(): number | undefined
  close(): Promise<void>
}

export interface EndpointOptions {
  readonly newServer: () => Closable
  readonly log: Log
  readonly retryMs: number
}

type Closable = Server & { closeAllConnections(): void }

export function tcpAddress(listen: { readonly host: string; readonly port: number }): Address {
  return {
    name: `${listen.host}:${listen.port}`,
    listen,
    impossible: undefined,
    prepare: async () => {},
    settle: async () => {},
    isGone: undefined,
  }
}

/** A socket only its owner can connect to; replaces one left behind by a killed process. */
export function unixAddress(path: string): Address {
  return {
    name: path,
    listen: { path },
    impossible: socketPathProblem(path),
    prepare: async () => {
      const found = await lstat(path).catch(() => undefined)
      if (found?.isSocket() === false) throw new Error('a file of that name exists and is not a socket')
      if (await answers(path)) throw new Error('another process serves it')
      await rm(path, { force: true })
    },
    settle: () => chmod(path, 0o600),
    isGone: () => !existsSync(path),
  }
}

/** Resolves after the first attempt to bind, whatever its outcome. */
export async function serve(address: Address, options: EndpointOptions): Promise<Endpoint> {
  let problem: string | undefined
  let server: Closable | undefined
  let timer: NodeJS.Timeout | undefined
  let attempt = Promise.resolve()
  let closed = false

  const after = (ms: number, step: () => Promise<void>): void => {
    if (closed) return
    timer = setTimeout(() => {
      attempt = step()
    }, ms)
    timer.unref()
  }

  const attemptToBind = async (): Promise<void> => {
    try {
      server = await bind(address, options)
      problem = undefined
      options.log.info({ address: address.name, port: portOf(server) }, 'serving status')
      lookLater()
    } catch (error) {
      problem = `status is not served on ${address.name}: ${reasonOf(error)}`
      options.log.warn({ key: `bind:${address.name}` }, `${problem}; trying again`)
      after(options.retryMs, attemptToBind)
    }
  }

  const lookLater = (): void => {
    if (address.isGone) after(PAUSES_PER_LOOK * options.retryMs, look)
  }

  /** The run path may be cleared while the agent runs. */
  const look = async (): Promise<void> => {
    if (!address.isGone?.()) return lookLater()
    options.log.warn({ key: `gone:${address.name}` }, `${address.name} was removed; serving status there again`)
    if (server !== undefined) await stop(server)
    server = undefined
    await attemptToBind()
  }

  if (address.impossible === undefined) {
    await attemptToBind()
  } else {
    problem = `status is not served: ${address.impossible}`
    options.log.error({}, problem)
  }
  return {
    problem: () => problem,
    port: () => portOf(server),
    close: async () => {
      closed = true
      clearTimeout(timer)
      await attempt
      if (server !== undefined) await stop(server)
    },
  }
}

/** Returns the message without the address, which Node repeats: `address already in use (EADDRINUSE)`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const [, ofListen, reason] = /^listen (E\w+): (.+) \S+$/.exec(message) ?? []
  if (reason !== undefined) return `${reason} (${ofListen})`
  return message
    .replace(/^(E\w+): ([^,]+), \w+ '.*'$/, '$2 ($1)')
    .replace(/^getaddrinfo (E\w+) .*$/, 'no such host ($1)')
}

async function bind(address: Address, options: EndpointOptions): Promise<Closable> {
  const server = options.newServer()
  await address.prepare()
  server.listen(address.listen)
  await once(server, 'listening')
  server.on('error', (error) => options.log.warn({ key: `server:${address.name}`, err: error }, 'local server'))
  try {
    await address.settle()
  } catch (error) {
    await stop(server)
    throw error
  }
  return server
}

async function stop(server: Closable): Promise<void> {
  const done = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await done
}

/**
 * Whether a live process may own the socket. One that was killed leaves a socket that refuses connections; any other failure,
 * such as EAGAIN for a full queue, may come from a live one.
 */
async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path)
  socket.once('connect', () => resolve(true))
  socket.once('error', (error: NodeJS.ErrnoException) =>
    resolve(!['ECONNREFUSED', 'ENOENT', 'ENOTDIR'].includes(error.code ?? '')),
  )
  const answered = await promise
  socket.destroy()
  return answered
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address()
  return typeof address === 'object' ? address?.port : undefined
}
