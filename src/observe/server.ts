import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Log } from '../log.ts'
import { agentSocketPath } from '../run-path.ts'
import { type Answer, answerRequest, brokenAnswer } from './answer.ts'
import { type Endpoint, serve, tcpAddress, unixAddress } from './endpoint.ts'
import type { Status } from './status.ts'

export interface ServerOptions {
  readonly runPath: string
  /** Unix sockets in addition to the one in the run path. */
  readonly sockets?: readonly string[]
  /** A TCP address in addition to the unix socket; port 0 picks a free one. */
  readonly listen: { readonly host: string; readonly port: number } | undefined
  readonly status: () => Status
  readonly log: Log
  /** Delay between attempts to bind. */
  readonly retryMs?: number
}

/** The agent's local server. It never fails: an address it cannot bind is reported and retried. */
export interface LocalServer {
  /** What keeps an address from being served; empty if all are. */
  problems(): readonly string[]
  /** The TCP port in use. */
  port(): number | undefined
  /** Closes open connections, too, and removes the socket. */
  close(): Promise<void>
}

/** Resolves after the first attempt to bind each address, whatever its outcome. */
export async function startServer(options: ServerOptions): Promise<LocalServer> {
  const { runPath, sockets = [], listen, log, retryMs = 1000 } = options
  const addresses = [...new Set([agentSocketPath(runPath), ...sockets])].map(unixAddress)
  if (listen !== undefined) addresses.push(tcpAddress(listen))
  let endpoints: readonly Endpoint[] = []
  const problems = () => endpoints.flatMap((endpoint) => endpoint.problem() ?? [])
  const status = () => withProblems(options.status(), problems())
  const endpointOptions = { newServer: () => newServer({ status, log }), log, retryMs }
  endpoints = await Promise.all(addresses.map((address) => serve(address, endpointOptions)))
  return {
    problems,
    port: () => endpoints.map((endpoint) => endpoint.port()).find((port) => port !== undefined),
    close: async () => {
      await Promise.all(endpoints.map((endpoint) => endpoint.close()))
    },
  }
}

/** Adds the addresses that are not served, so that the operator sees them on those that are. */
function withProblems(status: Status, problems: readonly string[]): Status {
  if (problems.length === 0) return status
  return { ...status, config: { ...status.config, problems: [...status.config.problems, ...problems] } }
}

type Pages = Pick<ServerOptions, 'status' | 'log'>

/** Bounded in every direction: a client that sends slowly, sends too much, reads slowly or never leaves is cut off. */
function newServer(pages: Pages): Server {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 5000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => respond(pages, request, response),
  )
  server.maxConnections = 64
  server.maxRequestsPerSocket = 1000
  server.timeout = 10_000
  return server
}

function respond(pages: Pages, request: IncomingMessage, response: ServerResponse): void {
  const method = request.method ?? ''
  const answer = attempt(pages, method, request.url ?? '')
  response.writeHead(answer.code, {
    'content-type': answer.contentType,
    'content-length': Buffer.byteLength(answer.text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.allow === undefined ? {} : { allow: answer.allow }),
    // The body of a request with a refused method is not read, so the connection cannot be reused.
    ...(answer.code === 405 ? { connection: 'close' } : {}),
  })
  response.end(method === 'HEAD' ? undefined : answer.text)
}

/** A failure to describe the agent must not end it. */
function attempt({ status, log }: Pages, method: string, target: string): Answer {
  try {
    return answerRequest(method, target, status)
  } catch (error) {
    log.error({ key: 'server:answer', err: error }, 'the status could not be made')
    return brokenAnswer
  }
}
