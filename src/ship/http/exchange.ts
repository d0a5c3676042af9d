import { Buffer } from 'node:buffer'
import type { Answer } from './answer.ts'
import { failureReason } from './failure-reason.ts'
import type { OutgoingBody } from './outgoing-body.ts'

/** What undici passes to request handlers. */
interface Controller {
  abort(reason: Error): void
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Responses are read to the end, so that the connection can be reused, unless they exceed the echo of a large batch. */
const MAX_ANSWER_BYTES = 16_777_216
/** How much of a response is kept for a displayed reason. */
const MAX_TEXT_BYTES = 4096

/** One request and its response as reported by undici, settled once: by the response's end, an error, the timeout or the signal. */
export class Exchange {
  readonly #body: OutgoingBody
  readonly #target: { readonly isPlain: boolean }
  readonly #answer = Promise.withResolvers<Answer>()
  readonly #text = Buffer.alloc(MAX_TEXT_BYTES)
  #controller: Controller | undefined
  #outcome: Answer | undefined
  #status = 0
  #headers: Headers = {}
  #bytes = 0

  constructor(body: OutgoingBody, target: { readonly isPlain: boolean }) {
    this.#body = body
    this.#target = target
  }

  /** Never rejects: an error thrown by `start` is an outcome, too. */
  async run(start: () => unknown, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    const onAbort = () => this.#cut('aborted')
    const timer = setTimeout(() => this.#cut(`timeout: no complete answer within ${timeoutMs} ms`), timeoutMs)
    signal.addEventListener('abort', onAbort)
    try {
      if (signal.aborted) onAbort()
      else start()
      return await this.#answer.promise
    } catch (error) {
      return { kind: 'failed', reason: failureReason(error, this.#target) }
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#outcome !== undefined) controller.abort(new Error('too late'))
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (this.#bytes < MAX_TEXT_BYTES) chunk.copy(this.#text, this.#bytes)
    this.#bytes += chunk.length
    if (this.#bytes > MAX_ANSWER_BYTES) this.#cut(`endless answer: longer than ${MAX_ANSWER_BYTES} bytes`)
  }

  onResponseEnd(): void {
    this.#settle({
      kind: 'answered',
      status: this.#status,
      requestSent: this.#body.isSent(),
      retryAfter: first(this.#headers['retry-after']),
      location: first(this.#headers.location),
      text: this.#text.toString('utf8', 0, Math.min(this.#bytes, MAX_TEXT_BYTES)),
    })
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    this.#settle({ kind: 'failed', reason: failureReason(error, this.#target) })
  }

  /**
   * Aborting destroys the socket (HTTP/1) or the stream (HTTP/2) before it returns; see outgoingBody for why nothing reads
   * the request's memory after that. A request still waiting for its connection is aborted when it starts.
   */
  #cut(reason: string): void {
    this.#settle({ kind: 'failed', reason })
    this.#controller?.abort(new Error(reason))
  }

  #settle(outcome: Answer): void {
    this.#body.release()
    this.#outcome ??= outcome
    this.#answer.resolve(this.#outcome)
  }
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
