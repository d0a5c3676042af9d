import type { Compression } from '../../config/config.ts'
import { compress } from '../compress.ts'
import type { SendRequest, Verdict } from '../destination.ts'
import { type BodyBytes, lengthOf } from '../http/outgoing-body.ts'
import type { Transport } from '../http/transport.ts'
import { codeOf } from '../small-file.ts'
import { presentable } from './answer-text.ts'
import { judge } from './judge.ts'

export type Header = readonly [name: string, value: string]

export interface Wire {
  readonly transport: Transport
  /** With the query. */
  readonly path: string
  /** Sent besides those of the attempt itself. Of two with the same name, the later wins. */
  readonly headers: readonly Header[]
  readonly compression: Compression
  readonly compressionLevel: number
  /** Must not appear in a verdict. */
  readonly secrets: readonly string[]
  readonly delivered: (status: number) => boolean
}

/**
 * Makes one attempt, from the body to the verdict. Awaits compression even after `signal` has aborted, because it reads the
 * request's memory in another thread.
 */
export async function attempt(request: SendRequest, wire: Wire, signal: AbortSignal): Promise<Verdict> {
  const encoded = await encode(request, wire)
  if (encoded.kind === 'failed') return { kind: 'retry', reason: `compression failed: ${encoded.reason}` }
  const { body } = encoded
  const headers = distinct([...wire.headers, ...encodingOf(wire.compression), ['Idempotency-Key', request.batchId]])
  const answer = await wire.transport.post({ path: wire.path, headers, body }, signal)
  return judge(presentable(answer, wire.secrets), {
    delivered: wire.delivered,
    sentBytes: lengthOf(body.pieces),
    nowMs: Date.now(),
  })
}

type Encoded =
  | { readonly kind: 'encoded'; readonly body: BodyBytes }
  | { readonly kind: 'failed'; readonly reason: string }

async function encode({ pieces, cache }: SendRequest, { compression, compressionLevel }: Wire): Promise<Encoded> {
  if (compression === 'none') return { kind: 'encoded', body: { pieces } }
  try {
    cache.frame ??= await compress(pieces, { compression, level: compressionLevel })
  } catch (error) {
    // There is no memory for another context now, but there may be later.
    return { kind: 'failed', reason: codeOf(error) }
  }
  return { kind: 'encoded', body: { pieces: [cache.frame.bytes] } }
}

function encodingOf(compression: Compression): readonly Header[] {
  return compression === 'none' ? [] : [['Content-Encoding', compression]]
}

/** Header names are case-insensitive. */
function distinct(headers: readonly Header[]): Record<string, string> {
  const last = new Map(headers.map((header) => [header[0].toLowerCase(), header]))
  return Object.fromEntries(last.values())
}
