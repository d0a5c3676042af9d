import { createRandom } from '../src/demo/events/random.ts'

/** Bytes of an event besides its object, and of a short one besides its URI. */
const FRAME_BYTES = 700
const SHORT_FRAME_BYTES = 145

/**
 * Audit events of 0.5 to 1.5 times `lineBytes`: a fixed frame, filled up with an object in which one field in eight is
 * escaped JSON. Short events are filled up with a URI instead.
 */
export function auditLines(lineBytes: number, totalBytes: number, seed = lineBytes): Buffer {
  const random = createRandom(seed)
  const lines: string[] = []
  for (let bytes = 0; bytes < totalBytes; ) {
    const stageTimestamp = new Date(1_795_185_225_000 + lines.length).toISOString().replace('Z', '123Z')
    const wanted = lineBytes * (0.5 + random.below(1000) / 1000)
    const line =
      lineBytes < FRAME_BYTES
        ? shortEvent(random.hex, wanted - SHORT_FRAME_BYTES, stageTimestamp)
        : event(random.hex, wanted - FRAME_BYTES, stageTimestamp)
    lines.push(JSON.stringify(line))
    bytes += lines.at(-1)?.length ?? 0
  }
  return Buffer.from(`${lines.join('\n')}\n`)
}

type Hex = (digits: number) => string

function shortEvent(hex: Hex, uriBytes: number, stageTimestamp: string): object {
  const requestURI = `/api/v1/namespaces/${hex(8)}/pods/${hex(8)}/proxy`.repeat(4).slice(0, Math.max(1, uriBytes))
  return { kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata', verb: 'get', requestURI, stageTimestamp }
}

function event(hex: Hex, objectBytes: number, stageTimestamp: string): object {
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: `${hex(8)}-${hex(4)}`,
    stage: 'ResponseComplete',
    requestURI: `/api/v1/namespaces/${hex(8)}/pods/${hex(8)}?timeout=10s`,
    verb: 'update',
    user: { username: `system:serviceaccount:${hex(8)}`, uid: hex(8), groups: ['system:authenticated', hex(8)] },
    sourceIPs: ['10.0.0.1'],
    userAgent: 'kube-controller-manager/v1.37.0 (linux/amd64) kubernetes/abcdef',
    objectRef: { resource: 'pods', namespace: hex(8), name: hex(8), apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 200 },
    requestObject: objectOf(hex, objectBytes),
    stageTimestamp,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  }
}

function objectOf(hex: Hex, bytes: number): object {
  const object: Record<string, unknown> = {}
  for (let room = bytes, part = 0; room > 0; part += 1) {
    const name = `field${part}`
    const labels = { app: hex(8), tier: hex(8) }
    const inner = { name: hex(8), labels, ports: [80, 443], ready: true, image: `r.io/${hex(8)}:v1` }
    object[name] = part % 8 === 3 ? JSON.stringify(inner) : inner
    room -= JSON.stringify(object[name]).length + name.length + 4
  }
  return object
}
