import type { WebhookConfig } from '../../config/config.ts'
import type { Transport } from '../http/transport.ts'
import { openSecret } from '../secret.ts'
import { type Authorization, anonymous, basic, bearer } from './authorization.ts'
import { type DestinationContext, openTransport, targetOf } from './context.ts'
import type { KubeEndpoint } from './kubeconfig.ts'

/** A receiver: how to reach it, and the credentials for it. */
export interface WebhookPeer {
  readonly transport: Transport
  /** With the query. */
  readonly path: string
  readonly authorization: Authorization
  /** For display, without secrets. */
  readonly shown: string
}

/** As in client-go's token source, a replaced token is picked up within a minute. */
const TOKEN_RECHECK_MS = 60_000

/** Returns the receiver at `url`. Credentials are sent to http://, too, as the operator chose; config/webhook.ts warns. */
export function peerOfUrl(config: WebhookConfig, context: DestinationContext): WebhookPeer {
  const target = targetOf(config.url, config)
  const transport = openTransport({ target, config }, context)
  const secret = config.token && openSecret(config.token, { recheckMs: TOKEN_RECHECK_MS, now: context.now })
  const authorization = secret === undefined ? anonymous : bearer(secret)
  return { transport, path: withTimeout(target.path, config), authorization, shown: target.shown }
}

/** Returns the receiver of a kubeconfig that `parseKubeconfig` has accepted. */
export function peerOfKubeconfig(
  endpoint: KubeEndpoint,
  config: WebhookConfig,
  context: DestinationContext,
): WebhookPeer {
  const target = targetOf(endpoint.server, config)
  const transport = openTransport({ target, config, tls: endpoint.tls, proxy: endpoint.proxy }, context)
  const authorization = authorizationOf(endpoint, context)
  return { transport, path: withTimeout(target.path, config), authorization, shown: target.shown }
}

function authorizationOf({ credential }: KubeEndpoint, { now }: DestinationContext): Authorization {
  switch (credential.kind) {
    case 'none':
      return anonymous
    case 'basic':
      return basic(credential.username, credential.password)
    case 'bearer': {
      const { token, tokenFile } = credential
      const ref =
        tokenFile === undefined
          ? { kind: 'value' as const, reveal: () => token ?? '' }
          : { kind: 'file' as const, path: tokenFile }
      return bearer(openSecret(ref, { recheckMs: TOKEN_RECHECK_MS, now }), token)
    }
  }
}

/** kube-apiserver tells the receiver how long it waits, as `timeout=30s`. */
function withTimeout(path: string, { delivery }: WebhookConfig): string {
  const { requestTimeoutMs } = delivery
  const timeout = requestTimeoutMs % 1000 === 0 ? `${requestTimeoutMs / 1000}s` : `${requestTimeoutMs}ms`
  return `${path}${path.includes('?') ? '&' : '?'}timeout=${timeout}`
}
