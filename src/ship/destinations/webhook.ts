import type { WebhookConfig } from '../../config/config.ts'
import { createJsonListBody } from '../body/json-list-body.ts'
import type { Destination } from '../destination.ts'
import { attempt, type Header } from './attempt.ts'
import { bodyLimitsOf, type DestinationContext } from './context.ts'
import { webhookSuccess } from './judge.ts'
import { KubeconfigPeer } from './kubeconfig-peer.ts'
import { peerOfUrl, type WebhookPeer } from './webhook-peer.ts'

/** Speaks kube-apiserver's audit webhook protocol: a `POST` of an EventList around the unchanged lines. */
export function createWebhook(config: WebhookConfig, context: DestinationContext): Destination {
  const source =
    config.kubeconfig === undefined
      ? fixed(peerOfUrl(config, context))
      : new KubeconfigPeer(config.kubeconfig, config, context)
  const headers: readonly Header[] = [
    ['Content-Type', 'application/json'],
    ['Accept', 'application/json, */*'],
    ['User-Agent', `tailship/${context.version}`],
    ...Object.entries(config.headers),
  ]
  return {
    name: config.name,
    get description() {
      return `webhook ${source.shown}`
    },
    newBody: () =>
      createJsonListBody({
        ...bodyLimitsOf(config, context),
        prefix: '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[',
        suffix: ']}',
      }),
    async send(request, signal) {
      const state = await source.current()
      if (state.kind === 'missing') return { kind: 'retry', reason: state.reason }
      const { transport, path, authorization } = state.peer
      const identity = await authorization.current()
      if (identity.kind === 'missing') return { kind: 'retry', unauthorized: true, reason: identity.reason }
      const authorized: readonly Header[] = identity.value === undefined ? [] : [['Authorization', identity.value]]
      const wire = {
        transport,
        path,
        headers: [...headers, ...authorized],
        compression: config.compression,
        compressionLevel: config.compressionLevel,
        secrets: [...identity.secrets, ...secretsIn(config.headers)],
        delivered: webhookSuccess,
      }
      const verdict = await attempt(request, wire, signal)
      if (verdict.kind === 'retry' && verdict.unauthorized === true) authorization.expire()
      return verdict
    },
    close: () => source.close(),
  }
}

function fixed(peer: WebhookPeer) {
  return {
    shown: peer.shown,
    current: () => Promise.resolve({ kind: 'found' as const, peer }),
    close: () => peer.transport.close(),
  }
}

/** Returns all but short words: any header may contain a secret, also after a word such as `Bearer`. */
function secretsIn(headers: WebhookConfig['headers']): readonly string[] {
  return Object.values(headers).flatMap((value) => value.split(/\s+/).filter((word) => word.length >= 8))
}
