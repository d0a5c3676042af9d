import { uuid } from './actors.ts'
import type { Random } from './random.ts'
import { goJson, slot } from './template.ts'

/** Bodies of requests and responses, as in the API. `scale` determines their size. */
export type Body = Readonly<Record<string, unknown>> | readonly unknown[]

const created = '2026-11-02T08:15:30Z'
const words = ['cache', 'ledger', 'orders', 'gateway', 'search', 'billing', 'notify', 'router'] as const
const phrases = [
  'retry=3 & backoff=2s',
  'if (a < b && b > c) { return "ok" }',
  '配置：本番環境のみ有効',
  'größer als 100 % – прод',
  'C:\\Program Files\\app\\bin',
  'line one\nline two\ttabbed',
  'first paragraph\u2028second paragraph',
  'deploy 🚀 on friday',
] as const

export function deployment(random: Random, containers: number): Body {
  const app = random.pick(words)
  const applied = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { annotations: {}, labels: { app }, name: slot('name'), namespace: slot('namespace') },
    spec: deploymentSpec(random, app, containers),
  }
  return {
    ...applied,
    metadata: {
      ...metadata(random),
      labels: { app, 'app.kubernetes.io/managed-by': 'argocd' },
      annotations: {
        'deployment.kubernetes.io/revision': String(1 + random.below(90)),
        'kubectl.kubernetes.io/last-applied-configuration': `${goJson(applied)}\n`,
      },
      managedFields: managedFields(containers),
    },
    status: {
      observedGeneration: 4,
      replicas: 3,
      updatedReplicas: 3,
      conditions: [
        condition('Available', 'MinimumReplicasAvailable'),
        condition('Progressing', 'NewReplicaSetAvailable'),
      ],
    },
  }
}

function deploymentSpec(random: Random, app: string, containers: number): Body {
  return {
    replicas: 3,
    selector: { matchLabels: { app } },
    strategy: { rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 }, type: 'RollingUpdate' },
    template: {
      metadata: { labels: { app } },
      spec: { containers: Array.from({ length: containers }, () => container(random)), restartPolicy: 'Always' },
    },
  }
}

function container(random: Random): Body {
  const name = random.pick(words)
  return {
    name,
    image: `registry.example.com/platform/${name}@sha256:${random.hex(64)}`,
    command: ['/bin/sh', '-c', `exec ${name} --match '"level":"<error>"' --and "a && b" 2>&1`],
    env: [
      { name: 'DATABASE_URL', value: `postgres://${name}:5432/${name}?sslmode=verify-full&pool=20` },
      { name: 'NOTE', value: random.pick(phrases) },
      { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
    ],
    resources: { limits: { memory: '512Mi' }, requests: { cpu: '100m', memory: '256Mi' } },
    readinessProbe: { httpGet: { path: '/ready?verbose=1&full=1', port: 8080 }, periodSeconds: 5 },
  }
}

export function configMap(random: Random, entries: number): Body {
  const values: Record<string, string> = {}
  for (let index = 0; index < entries; index++) {
    const key = `${random.pick(words)}-${index}.conf`
    values[key] =
      `# ${random.pick(phrases)}\nendpoint = "https://${random.pick(words)}.example.com/?q=<none>&n=${random.below(1e6)}"\ntoken = '${random.hex(40)}'\n`
  }
  return {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { ...metadata(random), managedFields: managedFields(1) },
    data: values,
  }
}

function pod(random: Random): Body {
  return {
    metadata: { ...metadata(random), labels: { app: random.pick(words) }, managedFields: managedFields(1) },
    spec: { containers: [container(random)], nodeName: slot('node'), serviceAccountName: 'default' },
    status: podStatus(random),
  }
}

export function podList(random: Random, items: number): Body {
  return {
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: { resourceVersion: slot('version') },
    items: Array.from({ length: items }, () => pod(random)),
  }
}

export function podStatusPatch(random: Random): Body {
  return {
    metadata: { uid: slot('uid') },
    status: { $setElementOrder: ['Initialized', 'Ready'], ...podStatus(random) },
  }
}

function podStatus(random: Random): Record<string, unknown> {
  return {
    phase: 'Running',
    hostIP: slot('address'),
    podIP: `10.244.${random.below(250)}.${random.below(250)}`,
    conditions: [condition('Initialized', ''), condition('Ready', 'ContainersNotReady')],
    containerStatuses: [
      {
        name: random.pick(words),
        containerID: `containerd://${random.hex(64)}`,
        restartCount: random.below(9),
        state: {
          waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container="app" <pod>' },
        },
      },
    ],
  }
}

export function clusterEvent(random: Random): Body {
  return {
    metadata: { ...metadata(random), name: `${slot('name')}.${random.hex(16)}` },
    involvedObject: {
      kind: 'Pod',
      namespace: slot('namespace'),
      name: slot('name'),
      uid: slot('uid'),
      apiVersion: 'v1',
    },
    reason: 'Unhealthy',
    message: `Readiness probe failed: Get "http://${slot('address')}:8080/ready?verbose=1&full=1": context deadline exceeded`,
    source: { component: 'kubelet', host: slot('node') },
    firstTimestamp: created,
    lastTimestamp: created,
    count: 1 + random.below(500),
    type: 'Warning',
  }
}

export function jsonPatch(random: Random): Body {
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: slot('version') },
    { op: 'add', path: '/metadata/annotations/example.com~1note', value: random.pick(phrases) },
    { op: 'replace', path: '/spec/template/spec/containers/0', value: container(random) },
  ]
}

export function lease(random: Random): Body {
  return {
    kind: 'Lease',
    apiVersion: 'coordination.k8s.io/v1',
    metadata: { ...metadata(random), managedFields: managedFields(1) },
    spec: { holderIdentity: slot('node'), leaseDurationSeconds: 40, renewTime: slot('receivedAt') },
  }
}

function metadata(random: Random): Record<string, unknown> {
  return {
    name: slot('name'),
    namespace: slot('namespace'),
    uid: slot('uid'),
    resourceVersion: slot('version'),
    generation: 1 + random.below(30),
    creationTimestamp: created,
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `owner-${random.hex(10)}`, uid: uuid(random) },
    ],
  }
}

function managedFields(containers: number): readonly unknown[] {
  const fields: Record<string, unknown> = {}
  for (let index = 0; index < containers; index++) {
    fields[`k:{"name":"container-${index}"}`] = {
      '.': {},
      'f:image': {},
      'f:name': {},
      'f:resources': { 'f:limits': {} },
    }
  }
  const spec = { 'f:template': { 'f:spec': { 'f:containers': fields } } }
  return [
    {
      manager: 'argocd-controller',
      operation: 'Update',
      apiVersion: 'v1',
      time: created,
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:metadata': { 'f:annotations': { '.': {} } }, 'f:spec': spec },
    },
  ]
}

function condition(type: string, reason: string): Record<string, unknown> {
  return {
    type,
    status: 'True',
    reason,
    lastTransitionTime: created,
    message: reason && `condition <${type}>: ${reason}`,
  }
}
