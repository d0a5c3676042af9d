import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { acceptsAnyway, answerWith, type Fault, playOnSocket, reset } from './intake-faults.ts'

/** A request that arrived completely. */
export interface IntakeBatch {
  /** Its `Idempotency-Key`. */
  readonly id: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly httpVersion: string
  /** From the client's certificate. */
  readonly clientName: string | undefined
  /** Index of its connection, from 0; -1 for HTTP/2. */
  readonly connection: number
  /** Size of the body as sent. */
  readonly wireBytes: number
  /** Decompressed. */
  readonly body: Buffer
  /** The items of a JSON list or of an EventList. */
  readonly records: readonly unknown[]
  readonly receivedAtMs: number
}

export interface IntakeOptions {
  /** Faults for the first requests, in order; undefined accepts. */
  readonly script?: readonly (Fault | undefined)[]
  /** Requests with any such record are refused with 400. */
  readonly poison?: (record: unknown) => boolean
  /** Bodies that are larger after decompression are refused with 413. */
  readonly maxBytes?: number
  /** Requests with any other `DD-API-KEY` are refused with 403. */
  readonly apiKey?: string
  readonly onBatch?: (batch: IntakeBatch) => void
  /** PEM; with a `clientCa`, clients need a certificate. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string }
  readonly h2?: boolean
  /** The port of an earlier intake, to come back after an outage; by default any free port. */
  readonly port?: number
  /** A loopback address other than 127.0.0.1. */
  readonly host?: string
  /** Listens on a unix socket instead of a port. */
  readonly unixSocket?: boolean
}

export interface HostileIntake {
  readonly url: string
  readonly port: number
  /** Path of its unix socket, if it listens on one. */
  readonly socketPath: string | undefined
  /** All complete requests, including refused ones. */
  readonly requests: readonly IntakeBatch[]
  /** The accepted requests, even if the sender did not learn of it. */
  readonly batches: readonly IntakeBatch[]
  /** What was wrong with bodies that are not a batch, which were refused with 400. */
  readonly malformed: readonly string[]
  /** Number of connections ever made. */
  readonly connections: number
  /** Number of connections still open. */
  readonly openConnections: number
  /** The records of the accepted batches, in order. */
  records(): readonly unknown[]
  /** Sets the fault for requests after the script. `index` counts requests from 0. */
  setFault(
    fault:
      | ((request: { readonly index: number; readonly headers: IncomingMessage['headers'] }) => Fault | undefined)
      | undefined,
  ): void
  setApiKey(key: string): void
  close(): Promise<void>
}

/** A scripted receiver on the loopback, for both wire formats. Nothing outlives `close`. */
export async function startIntake(options: IntakeOptions = {}): Promise<HostileIntake> {
  const intake = new Intake(options)
  await intake.listen()
  return intake
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Buffer>(gunzip),
  zstd: promisify<Buffer, Buffer>(zstdDecompress),
}

class Intake implements HostileIntake {
  readonly requests: IntakeBatch[] = []
  readonly batches: IntakeBatch[] = []
  readonly malformed: string[] = []
  connections = 0
  url = ''
  port = 0
  socketPath: string | undefined
  readonly #options: IntakeOptions
  readonly #script: (Fault | undefined)[]
  readonly #server: Server
  readonly #sockets = new Map<Socket, number>()
  #faultOf: Parameters<HostileIntake['setFault']>[0]
  #apiKey: string | undefined
  #seen = 0

  constructor(options: IntakeOptions) {
    this.#options = options
    this.#script = [...(options.script ?? [])]
    this.#apiKey = options.apiKey
    this.#server = openServer(options, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // A sender that disconnects does not make its body malformed.
        if (error instanceof Error && error.message === 'aborted') return
        this.malformed.push(String(error))
        answerWith(response, { kind: 'answer', status: 400 })
      })
    })
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#sockets.set(socket, this.connections++)
      socket.on('error', () => undefined)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  async listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', reject)
    if (this.#options.unixSocket === true) {
      this.socketPath = join(await mkdtemp(join(tmpdir(), 'intake-')), 'intake.sock')
      this.#server.listen(this.socketPath, resolve)
      await promise
      this.url = `unix://${this.socketPath}:`
    } else {
      const { host = '127.0.0.1', port = 0 } = this.#options
      this.#server.listen(port, host, resolve)
      await promise
      this.port = (this.#server.address() as AddressInfo).port
      this.url = `${this.#options.tls === undefined ? 'http' : 'https'}://${host}:${this.port}`
    }
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  records(): readonly unknown[] {
    return this.batches.flatMap((batch) => batch.records)
  }

  setFault(fault: Parameters<HostileIntake['setFault']>[0]): void {
    this.#faultOf = fault
  }

  setApiKey(key: string): void {
    this.#apiKey = key
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const socket of this.#sockets.keys()) socket.destroy()
    await closed
    if (this.socketPath !== undefined) await rm(join(this.socketPath, '..'), { recursive: true, force: true })
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault =
      this.#script.length > 0 ? this.#script.shift() : this.#faultOf?.({ index: this.#seen, headers: request.headers })
    this.#seen += 1
    if (fault?.kind === 'early') return answerWith(response, fault)
    if (fault?.kind === 'reset' && fault.at === 'headers') return reset(request.socket)
    if (fault?.kind === 'reset' && fault.at === 'body') {
      return void request.once('data', () => reset(request.socket))
    }
    const wire = await readAll(request)
    const batch = await this.#parse(request, wire)
    this.requests.push(batch)
    const refusal = fault ?? this.#refusalOf(batch)
    if (refusal === undefined || acceptsAnyway(refusal) || (refusal.kind === 'answer' && refusal.status <= 206)) {
      this.batches.push(batch)
      this.#options.onBatch?.(batch)
    }
    if (refusal === undefined) return answerWith(response, { kind: 'answer', status: 202 })
    if (refusal.kind === 'answer') return answerWith(response, refusal)
    if (refusal.kind === 'delay') return answerLater(request, response, refusal.ms)
    if (refusal.kind === 'hold') {
      await refusal.until
      return answerWith(response, { kind: 'answer', status: 202 })
    }
    if (refusal.kind === 'reset') return reset(request.socket)
    playOnSocket(refusal as Parameters<typeof playOnSocket>[0], request.socket)
  }

  async #parse(request: IncomingMessage, wire: Buffer): Promise<IntakeBatch> {
    const decode = decoders[String(request.headers['content-encoding'])]
    const body = decode === undefined ? wire : await decode(wire)
    const { socket } = request
    return {
      id: String(request.headers['idempotency-key'] ?? ''),
      path: request.url ?? '',
      headers: request.headers,
      httpVersion: request.httpVersion,
      clientName: socket instanceof TLSSocket ? nameOf(socket) : undefined,
      connection: this.#sockets.get(socket) ?? -1,
      wireBytes: wire.length,
      body,
      records: recordsOf(body),
      receivedAtMs: Date.now(),
    }
  }

  #refusalOf(batch: IntakeBatch): Fault | undefined {
    const { poison, maxBytes } = this.#options
    if (this.#apiKey !== undefined && batch.headers['dd-api-key'] !== this.#apiKey)
      return { kind: 'answer', status: 403 }
    if (maxBytes !== undefined && batch.body.length > maxBytes) return { kind: 'answer', status: 413 }
    if (poison !== undefined && batch.records.some(poison)) return { kind: 'answer', status: 400 }
    return undefined
  }
}

function openServer(
  { tls, h2 }: IntakeOptions,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  if (tls === undefined) return createServer(serve)
  const { cert, key, clientCa } = tls
  const secure = {
    cert,
    key,
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  }
  if (h2 !== true) return createTlsServer(secure, serve)
  // Selects the client's preferred protocol. The HTTP/2 compatibility API has the same shape as far as it is used here.
  const ALPNCallback = ({ protocols }: { readonly protocols: readonly string[] }) => protocols[0]
  return createSecureServer({ ...secure, allowHTTP1: true, ALPNCallback }, serve as never)
}

function recordsOf(body: Buffer): readonly unknown[] {
  const value: unknown = JSON.parse(body.toString())
  if (Array.isArray(value)) return value
  const items = (value as { readonly items?: unknown }).items
  return Array.isArray(items) ? items : []
}

function nameOf(socket: TLSSocket): string | undefined {
  const name: unknown = socket.getPeerCertificate().subject?.CN
  return typeof name === 'string' ? name : undefined
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function answerLater(request: IncomingMessage, response: ServerResponse, ms: number): void {
  const timer = setTimeout(() => answerWith(response, { kind: 'answer', status: 202 }), ms)
  request.socket.once('close', () => clearTimeout(timer))
}
