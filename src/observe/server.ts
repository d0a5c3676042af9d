import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Log } from '../log.ts'
import { type Answer, answerRequest, brokenAnswer } from './answer.ts'
import { type Endpoint, serve, tcpAddress, unixAddress } from './endpoint.ts'
import { agentSocketPath } from './socket-path.ts'
import type { Status } from './status.ts'

export interface ServerOptions {
  readonly runPath: string
  /** A TCP address beside the unix socket; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number } | undefined
  readonly status: () => Status
  readonly log: Log
  /** Between attempts to bind. */
  readonly retryMs?: number
}

/** The local server of an agent. It never fails: an address it cannot bind is reported and tried again. */
export interface LocalServer {
  /** What keeps an address from being served; empty: all are. */
  problems(): readonly string[]
  /** The TCP port in use. */
  port(): number | undefined
  /** Ends open connections, too, and removes the socket. */
  close(): Promise<void>
}

/** Resolves after the first attempt to bind each address, whatever came of it. */
export async function startServer(options: ServerOptions): Promise<LocalServer> {
  const { runPath, listen, log, retryMs = 1000 } = options
  const addresses = [unixAddress(agentSocketPath(runPath))]
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

/** An address that is not served is for the operator to see on one that is. */
function withProblems(status: Status, problems: readonly string[]): Status {
  if (problems.length === 0) return status
  return { ...status, config: { ...status.config, problems: [...status.config.problems, ...problems] } }
}

type Pages = Pick<ServerOptions, 'status' | 'log'>

/** Bounded in every direction: who asks slowly, asks for much, reads slowly or never leaves is cut off. */
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
    // What came with a refused method is not read.
    ...(answer.code === 405 ? { connection: 'close' } : {}),
  })
  response.end(method === 'HEAD' ? undefined : answer.text)
}

/** A fault in describing the agent must not end what it describes. */
function attempt({ status, log }: Pages, method: string, target: string): Answer {
  try {
    return answerRequest(method, target, status)
  } catch (error) {
    log.error({ key: 'server:answer', err: error }, 'cannot make a status')
    return brokenAnswer
  }
}
