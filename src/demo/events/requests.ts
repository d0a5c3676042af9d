import { controller, kubelet, person, workload } from './actors.ts'
import { clusterEvent, configMap, deployment, jsonPatch, lease, podList, podStatusPatch } from './objects.ts'
import type { Random } from './random.ts'
import { type Exchange, eventTemplate, type Stage } from './stages.ts'
import { slot, type Template } from './template.ts'

/** One request of the catalogue, ready to be filled in. */
export interface RequestTemplate {
  /** Relative to its group; the event source sets each group's share. */
  readonly weight: number
  /** RequestReceived or ResponseStarted; only for requests logged at two stages. */
  readonly early: Template | undefined
  readonly complete: Template
}

export interface Catalogue {
  /** Level Metadata, one event. */
  readonly light: readonly RequestTemplate[]
  /** Level Request or RequestResponse: with bodies. */
  readonly heavy: readonly RequestTemplate[]
  /** Level Metadata, two events. */
  readonly paired: readonly RequestTemplate[]
}

interface Kind {
  readonly weight: number
  readonly variants: number
  readonly early?: Stage
  readonly make: (random: Random, variant: number) => Exchange
}

const ok = { metadata: {}, code: 200 }
const namespaced = `/api/v1/namespaces/${slot('namespace')}`
const query = 'fieldManager=kubectl-client-side-apply&fieldValidation=Strict&timeout=30s'
const selector = 'labelSelector=app%3Dorders%2Ctier+in+%28web%2Cworker%29&limit=500&resourceVersion=0'

function objectRef(resource: string, more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { resource, namespace: slot('namespace'), name: slot('name'), apiVersion: 'v1', ...more }
}

const lightKinds: readonly Kind[] = [
  {
    weight: 4,
    variants: 8,
    make: (random) => ({
      level: 'Metadata',
      verb: 'get',
      uri: `${namespaced}/configmaps/${slot('name')}?timeout=10s`,
      actor: workload(random),
      objectRef: objectRef('configmaps', { resourceVersion: slot('version') }),
      response: ok,
    }),
  },
  {
    weight: 4,
    variants: 8,
    make: (random) => ({
      level: 'Metadata',
      verb: 'list',
      uri: `/api/v1/pods?${selector}&fieldSelector=spec.nodeName%3D${slot('node')}`,
      actor: controller(random),
      objectRef: { resource: 'pods', apiVersion: 'v1' },
      response: ok,
    }),
  },
  {
    weight: 2,
    variants: 6,
    make: (random) => ({
      level: 'Metadata',
      verb: 'get',
      uri: `${namespaced}/secrets/${slot('name')}`,
      actor: person(random),
      objectRef: objectRef('secrets'),
      impersonates: 'break-glass@example.com',
      response: forbidden(),
    }),
  },
]

const pairedKinds: readonly Kind[] = [
  {
    weight: 3,
    variants: 6,
    early: 'ResponseStarted',
    make: (random) => ({
      level: 'Metadata',
      verb: 'watch',
      uri: `/apis/discovery.k8s.io/v1/endpointslices?allowWatchBookmarks=true&${selector}&timeoutSeconds=412&watch=true`,
      actor: workload(random),
      objectRef: { resource: 'endpointslices', apiGroup: 'discovery.k8s.io', apiVersion: 'v1' },
      response: ok,
    }),
  },
  {
    weight: 2,
    variants: 6,
    early: 'RequestReceived',
    make: (random) => ({
      level: 'Metadata',
      verb: 'create',
      uri: `${namespaced}/pods/${slot('name')}/exec?command=sh&command=-c&command=ls+%3Ctmp%3E+%26%26+id&container=app&stdin=true&tty=true`,
      actor: person(random),
      objectRef: objectRef('pods', { subresource: 'exec' }),
      response: { metadata: {}, code: 101 },
    }),
  },
  {
    weight: 4,
    variants: 4,
    early: 'RequestReceived',
    make: (random) => ({
      level: 'Metadata',
      verb: 'update',
      uri: `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${slot('node')}?timeout=10s`,
      actor: kubelet(random),
      objectRef: {
        resource: 'leases',
        namespace: 'kube-node-lease',
        name: slot('node'),
        apiGroup: 'coordination.k8s.io',
        apiVersion: 'v1',
      },
      response: ok,
    }),
  },
]

const heavyKinds: readonly Kind[] = [
  {
    weight: 40,
    variants: 8,
    make: (random) => ({
      level: 'Request',
      verb: 'patch',
      uri: `${namespaced}/pods/${slot('name')}/status`,
      actor: kubelet(random),
      objectRef: objectRef('pods', { uid: slot('uid'), subresource: 'status' }),
      response: ok,
      requestObject: podStatusPatch(random),
    }),
  },
  {
    weight: 30,
    variants: 6,
    make: (random) => ({
      level: 'Request',
      verb: 'create',
      uri: `${namespaced}/events`,
      actor: kubelet(random),
      objectRef: objectRef('events', { uid: slot('uid') }),
      response: { metadata: {}, code: 201 },
      requestObject: clusterEvent(random),
    }),
  },
  {
    weight: 10,
    variants: 6,
    make: (random) => ({
      level: 'Request',
      verb: 'patch',
      uri: `/apis/apps/v1/namespaces/${slot('namespace')}/deployments/${slot('name')}?${query}`,
      actor: workload(random),
      objectRef: objectRef('deployments', { apiGroup: 'apps' }),
      response: ok,
      requestObject: jsonPatch(random),
    }),
  },
  {
    weight: 25,
    variants: 6,
    make: (random) => {
      const body = lease(random)
      return {
        level: 'RequestResponse',
        verb: 'update',
        uri: `/apis/coordination.k8s.io/v1/namespaces/${slot('namespace')}/leases/${slot('name')}`,
        actor: controller(random),
        objectRef: objectRef('leases', { apiGroup: 'coordination.k8s.io', resourceVersion: slot('version') }),
        response: ok,
        requestObject: body,
        responseObject: body,
      }
    },
  },
  {
    weight: 8,
    variants: 8,
    make: (random, variant) => {
      const body = deployment(random, 1 + (variant % 4))
      return {
        level: 'RequestResponse',
        verb: 'update',
        uri: `/apis/apps/v1/namespaces/${slot('namespace')}/deployments/${slot('name')}?${query}`,
        actor: person(random),
        objectRef: objectRef('deployments', { apiGroup: 'apps', uid: slot('uid'), resourceVersion: slot('version') }),
        response: ok,
        requestObject: body,
        responseObject: body,
      }
    },
  },
  {
    weight: 2,
    variants: 4,
    make: (random, variant) => ({
      level: 'RequestResponse',
      verb: 'list',
      uri: `${namespaced}/pods?${selector}`,
      actor: person(random),
      objectRef: { resource: 'pods', namespace: slot('namespace'), apiVersion: 'v1' },
      response: ok,
      responseObject: podList(random, 6 + 6 * variant),
    }),
  },
  {
    weight: 0.3,
    variants: 2,
    make: (random, variant) => ({
      level: 'Request',
      verb: 'create',
      uri: `${namespaced}/configmaps?${query}`,
      actor: person(random),
      objectRef: objectRef('configmaps'),
      response: { metadata: {}, code: 201 },
      requestObject: configMap(random, 255 * (1 + variant)),
    }),
  },
]

export function createCatalogue(random: Random): Catalogue {
  return {
    light: lightKinds.flatMap((kind) => compileKind(kind, random)),
    heavy: heavyKinds.flatMap((kind) => compileKind(kind, random)),
    paired: pairedKinds.flatMap((kind) => compileKind(kind, random)),
  }
}

function compileKind(kind: Kind, random: Random): readonly RequestTemplate[] {
  return Array.from({ length: kind.variants }, (_, variant) => {
    const exchange = kind.make(random, variant)
    return {
      weight: kind.weight / kind.variants,
      early: kind.early && eventTemplate(exchange, kind.early, random),
      complete: eventTemplate(exchange, 'ResponseComplete', random),
    }
  })
}

function forbidden(): Record<string, unknown> {
  const message = `secrets "${slot('name')}" is forbidden: User "break-glass@example.com" cannot get resource "secrets" in API group "" in the namespace "${slot('namespace')}"`
  return {
    metadata: {},
    status: 'Failure',
    message,
    reason: 'Forbidden',
    details: { name: slot('name'), kind: 'secrets' },
    code: 403,
  }
}
