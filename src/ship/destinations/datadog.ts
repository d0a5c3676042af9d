import { Buffer } from 'node:buffer'
import type { Origin } from '../../chunk.ts'
import type { DatadogConfig } from '../../config/config.ts'
import { createAttributesBody, createMessageBody } from '../body/message-body.ts'
import type { Destination, SendRequest, Verdict } from '../destination.ts'
import { openSecret } from '../secret.ts'
import { attempt, type Header } from './attempt.ts'
import { bodyLimitsOf, type DestinationContext, openTransport, targetOf } from './context.ts'
import { anySuccess } from './judge.ts'
import { recordAttributes } from './record-attributes.ts'

const KEY_RECHECK_MS = 5_000

/** Datadog's log intake: `POST …/api/v2/logs` with a JSON list, and the API key as a header. */
export function createDatadog(config: DatadogConfig, context: DestinationContext): Destination {
  const target = targetOf(config.url, config)
  const key = openSecret(config.apiKey, { recheckMs: KEY_RECHECK_MS, now: context.now })
  const transport = openTransport({ target, config }, context)

  async function send(request: SendRequest, signal: AbortSignal): Promise<Verdict> {
    const state = await key.current()
    if (state.kind === 'missing') return { kind: 'retry', unauthorized: true, reason: `API key: ${state.reason}` }
    const wire = {
      transport,
      path: target.path,
      headers: headersWith(state.value, context.version),
      compression: config.compression,
      compressionLevel: config.compressionLevel,
      secrets: [state.value],
      delivered: anySuccess,
    }
    const verdict = await attempt(request, wire, signal)
    if (verdict.kind === 'retry' && verdict.unauthorized === true) key.expire()
    return verdict
  }

  return {
    name: config.name,
    description: `datadog ${target.shown}`,
    newBody() {
      const create = config.messageFormat === 'attributes' ? createAttributesBody : createMessageBody
      const attributesOf = (origin: Origin) => Buffer.from(recordAttributes(origin, context.hostname))
      return create({ ...bodyLimitsOf(config, context), attributesOf })
    },
    send,
    async probe(signal) {
      const request = emptyRequest()
      const verdict = await send(request, signal)
      request.cache.frame?.release()
      return verdict
    },
    close: () => transport.close(),
  }
}

function headersWith(apiKey: string, version: string): readonly Header[] {
  return [
    ['DD-API-KEY', apiKey],
    ['Content-Type', 'application/json'],
    ['Content-Encoding', 'identity'],
    ['DD-PROTOCOL', 'agent-json'],
    ['DD-EVP-ORIGIN', 'tailship'],
    ['DD-EVP-ORIGIN-VERSION', version],
    ['User-Agent', `tailship/${version}`],
  ]
}

/** What the Datadog Agent sends on startup to check the intake and the key. */
function emptyRequest(): SendRequest {
  return { batchId: 'connectivity-check', pieces: [Buffer.from('{}')], records: 0, cache: {} }
}
