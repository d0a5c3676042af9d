import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { decodePayload, MAX_BODY_BYTES } from './intake-body.ts'
import { type AcceptedRequest, createReceived, type Received, recordRequest } from './received.ts'

/** A loopback receiver with faults on demand. */
export interface Intake {
  readonly url: string
  readonly received: Received
  /** Accepted requests that have no reply yet. */
  readonly unanswered: number
  /** Closes the listener and all connections. */
  goDown(): Promise<void>
  /** Listens again on the same port. */
  comeBack(): Promise<void>
  /** Answers 429 with the remaining time as Retry-After. */
  throttle(seconds: number): void
  /** Instead of a reply, closes the connection of the next accepted request with events: others would not be sent again. */
  loseNextReply(): void
  /** Delays replies by this much; 0: none. */
  slowDown(delayMs: number): void
  close(): Promise<void>
}

export interface IntakeOptions {
  /** Where it accepts events; anything else is 404. */
  readonly path: string
  /** In the header DD-API-KEY or X-API-Key. */
  readonly apiKey: string
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

interface Faults {
  throttledUntilMs: number
  repliesToLose: number
  replyDelayMs: number
}

export async function startIntake(options: IntakeOptions): Promise<Intake> {
  const received = createReceived()
  const faults: Faults = { throttledUntilMs: 0, repliesToLose: 0, replyDelayMs: 0 }
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    void serve({ ...options, request, response, received, faults })
  let server = await listen(createServer(answer), 0)
  const { port } = server.address() as AddressInfo
  const goDown = () => shut(server)
  return {
    url: `http://127.0.0.1:${port}${options.path}`,
    received,
    get unanswered() {
      return received.requests.filter((request) => request.reply === 'pending').length
    },
    goDown,
    comeBack: async () => {
      server = await listenAgain(answer, port)
    },
    throttle: (seconds) => {
      faults.throttledUntilMs = performance.now() + seconds * 1000
    },
    loseNextReply: () => {
      faults.repliesToLose++
    },
    slowDown: (delayMs) => {
      faults.replyDelayMs = delayMs
    },
    close: goDown,
  }
}

interface Call extends IntakeOptions {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly received: Received
  readonly faults: Faults
}

async function serve(call: Call): Promise<void> {
  const { request, faults } = call
  const body = await readBody(request)
  if (!body) return
  const throttledMs = faults.throttledUntilMs - performance.now()
  if (throttledMs > 0) {
    call.received.throttled++
    call.response.writeHead(429, { 'retry-after': String(Math.ceil(throttledMs / 1000)) }).end()
    return
  }
  if (new URL(request.url ?? '', 'http://intake').pathname !== call.path) return refuse(call, 404, 'wrong path')
  if ((request.headers['dd-api-key'] ?? request.headers['x-api-key']) !== call.apiKey) {
    return refuse(call, 403, 'wrong API key')
  }
  const payload = decodePayload(body, request.headers['content-encoding'])
  if (payload.kind === 'refused') return refuse(call, 400, payload.reason)
  const batchId = request.headers['idempotency-key']
  const accepted = recordRequest(call.received, {
    batchId: typeof batchId === 'string' ? batchId : undefined,
    body,
    lines: payload.lines,
  })
  await reply(call, accepted, payload.lines.length)
}

/** Undefined if the connection ends early or the body is too large: then nothing counts as received. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_BODY_BYTES) return undefined
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}

function refuse({ response, received }: Call, status: 400 | 403 | 404, reason: string): void {
  const key = `${status} ${reason}`
  received.refusals.set(key, (received.refusals.get(key) ?? 0) + 1)
  response.writeHead(status, { 'content-type': 'application/json' }).end('{}')
}

async function reply({ response, faults }: Call, accepted: AcceptedRequest, lines: number): Promise<void> {
  const settle = (how: AcceptedRequest['reply']) => {
    if (accepted.reply !== 'pending') return
    accepted.reply = how
    accepted.repliedAtMs = performance.now()
  }
  response.once('close', () => settle('cut'))
  if (faults.repliesToLose > 0 && lines > 0) {
    faults.repliesToLose--
    settle('lost')
    response.destroy()
    return
  }
  if (faults.replyDelayMs > 0) await delay(faults.replyDelayMs, undefined, { ref: false })
  response.once('finish', () => settle('sent'))
  response.writeHead(202, { 'content-type': 'application/json' }).end('{}')
}

function listen(server: Server, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

/** A port that was free a moment ago may be taken by another process's outgoing connection for a while. */
async function listenAgain(answer: Handler, port: number, attempts = 50): Promise<Server> {
  try {
    return await listen(createServer(answer), port)
  } catch (error) {
    if (attempts === 0) throw error
    await delay(100)
    return listenAgain(answer, port, attempts - 1)
  }
}

async function shut(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
