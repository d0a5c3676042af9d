import type { Random } from './random.ts'
import { slot } from './template.ts'

/** The sender of a request, as in the fields of an audit event. */
export interface Actor {
  readonly user: {
    readonly username: string
    readonly uid?: string
    readonly groups: readonly string[]
    readonly extra: Readonly<Record<string, readonly string[]>>
  }
  readonly userAgent: string
  readonly sourceIPs: readonly string[]
  /** The authorizer's reason. */
  readonly reason: string
}

const build = 'kubernetes/4c2b7e1'

type Pair = readonly [name: string, userAgent: string]
type Triple = readonly [namespace: string, name: string, userAgent: string]

const workloads: readonly [Triple, ...Triple[]] = [
  ['argocd', 'argocd-application-controller', 'argocd-application-controller/v3.4.1'],
  ['cert-manager', 'cert-manager', 'cert-manager-certificates-issuing/v1.21.0 (linux/amd64) cert-manager/5a1e2dd'],
  ['ingress-nginx', 'ingress-nginx', 'nginx-ingress-controller/v1.15.2 (linux/arm64) ingress-nginx/0d21f3c'],
  ['monitoring', 'prometheus-k8s', 'Prometheus/3.9.1'],
  ['external-secrets', 'external-secrets', 'external-secrets/v2.1.0 (linux/amd64) kubernetes/$Format'],
]

const controllers = [
  'deployment-controller',
  'replicaset-controller',
  'endpointslice-controller',
  'generic-garbage-collector',
  'node-controller',
] as const

const people: readonly [Pair, ...Pair[]] = [
  ['oidc:zoë.müller@example.com', 'kubectl/v1.36.1 (darwin/arm64)'],
  ['oidc:山田太郎@example.co.jp', 'kubectl/v1.35.4 (windows/amd64)'],
  ['oidc:josé.garcía@example.com', 'k9s/v0.51.0 (linux/amd64)'],
  ['oidc:ada.lovelace@example.com', 'Lens/2026.10 <electron & node> (linux/amd64)'],
]

export function kubelet(random: Random): Actor {
  return {
    user: {
      username: `system:node:${slot('node')}`,
      groups: ['system:nodes', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [`X509SHA256=${random.hex(64)}`] },
    },
    userAgent: `kubelet/v1.36.2 (linux/amd64) ${build}`,
    sourceIPs: [slot('address')],
    reason: '',
  }
}

export function controller(random: Random): Actor {
  const name = random.pick(controllers)
  return {
    ...serviceAccount(random, 'kube-system', name),
    userAgent: `kube-controller-manager/v1.36.2 (linux/amd64) ${build}/system:serviceaccount:kube-system:${name}`,
    reason: `RBAC: allowed by ClusterRoleBinding "system:controller:${name}" of ClusterRole "system:controller:${name}" to ServiceAccount "${name}/kube-system"`,
  }
}

export function workload(random: Random): Actor {
  const [namespace, name, userAgent] = random.pick(workloads)
  return { ...serviceAccount(random, namespace, name), userAgent }
}

function serviceAccount(random: Random, namespace: string, name: string): Actor {
  return {
    user: {
      username: `system:serviceaccount:${namespace}:${name}`,
      uid: uuid(random),
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${uuid(random)}`],
        'authentication.kubernetes.io/node-name': [slot('node')],
        'authentication.kubernetes.io/node-uid': [uuid(random)],
        'authentication.kubernetes.io/pod-name': [`${name}-${random.hex(9)}-${random.hex(5)}`],
        'authentication.kubernetes.io/pod-uid': [uuid(random)],
      },
    },
    userAgent: name,
    sourceIPs: [slot('address')],
    reason: `RBAC: allowed by ClusterRoleBinding "${name}" of ClusterRole "${name}" to ServiceAccount "${name}/${namespace}"`,
  }
}

export function person(random: Random): Actor {
  const [username, client] = random.pick(people)
  return {
    user: {
      username,
      groups: ['oidc:platform-engineers', 'oidc:équipe-réseau', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${uuid(random)}`],
        'scopes.example.com/granted': ['openid', 'profile', 'groups', 'offline_access'],
      },
    },
    userAgent: `${client} ${build}`,
    sourceIPs: ['203.0.113.24', '2001:db8:4::1f', slot('address')],
    reason:
      'RBAC: allowed by ClusterRoleBinding "platform-admins" of ClusterRole "cluster-admin" to Group "oidc:platform-engineers"',
  }
}

export function uuid(random: Random): string {
  const digits = random.hex(32)
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`
}
