import { Buffer } from 'node:buffer'
import type { Origin } from '../src/block.ts'
import type { Body } from '../src/ship/body/body.ts'
import { createJsonListBody } from '../src/ship/body/json-list-body.ts'
import { createAttributesBody, createMessageBody } from '../src/ship/body/message-body.ts'

/**
 * How fast bodies are encoded, in GB of lines a second: the median of rounds over one body at full size, against the
 * same work with a string per line. Filling the room is not counted.
 */
const ROUNDS = Number(process.argv[2] ?? 31)
const ATTRIBUTES =
  '"hostname":"node-1","service":"audit","ddsource":"kubernetes.audit","ddtags":"env:prod,filename:audit.log,dirname:/var/log/kubernetes"'
const limits = { batchMaxSize: 100_000, batchMaxBytes: 5_000_000, maxLineBytes: 1_048_576 }
const origin: Origin = {
  id: '1',
  path: '/var/log/kubernetes/audit.log',
  labels: { service: 'audit', source: 'kubernetes.audit', tags: [] },
  maxLineBytes: limits.maxLineBytes,
}

interface Work {
  readonly name: string
  readonly body: Body
  readonly withStrings: (lines: Buffer) => Buffer
}

const attributesOf = () => Buffer.from(ATTRIBUTES)
const works: readonly Work[] = [
  {
    name: 'list',
    body: createJsonListBody({ ...limits, prefix: '{"kind":"EventList","items":[', suffix: ']}' }),
    withStrings: eachLine((line) => {
      JSON.parse(line)
      return line
    }),
  },
  {
    name: 'attributes',
    body: createAttributesBody({ ...limits, attributesOf }),
    withStrings: eachLine((line) => {
      const event = JSON.parse(line)
      return `{${ATTRIBUTES},"status":"info","timestamp":${Date.parse(event.stageTimestamp)},${line.slice(1)}`
    }),
  },
  {
    name: 'message',
    body: createMessageBody({ ...limits, attributesOf }),
    withStrings: eachLine((line) => {
      const found = line.lastIndexOf('"stageTimestamp":"') + 18
      const timestamp = Date.parse(line.slice(found, line.indexOf('"', found)))
      return `{"message":${JSON.stringify(line)},"status":"info","timestamp":${timestamp},${ATTRIBUTES}}`
    }),
  },
]

function eachLine(encode: (line: string) => string): (lines: Buffer) => Buffer {
  return (lines) => Buffer.from(`[${lines.toString().trimEnd().split('\n').map(encode).join(',')}]`)
}

/** mulberry32, so that every run has the same lines. */
function randomness(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Audit events of about `lineBytes`: a fixed frame, and as much of an object as it takes, one part of it escaped JSON. */
function auditLines(lineBytes: number, totalBytes: number): Buffer {
  const random = randomness(lineBytes)
  const word = () => Math.floor(random() * 2 ** 40).toString(36)
  const lines: string[] = []
  for (let bytes = 0; bytes < totalBytes; ) {
    const stage = new Date(1_795_185_225_000 + lines.length).toISOString().replace('Z', '123Z')
    const event: Record<string, unknown> = { kind: 'Event', apiVersion: 'audit.k8s.io/v1', level: 'Metadata' }
    if (lineBytes >= 1000) {
      Object.assign(event, {
        auditID: `${word()}-${word()}`,
        stage: 'ResponseComplete',
        requestURI: `/api/v1/namespaces/${word()}/pods/${word()}?timeout=10s`,
        verb: 'update',
        user: { username: `system:serviceaccount:${word()}`, uid: word(), groups: ['system:authenticated', word()] },
        sourceIPs: ['10.0.0.1'],
        userAgent: 'kube-controller-manager/v1.37.0 (linux/amd64) kubernetes/abcdef',
        objectRef: { resource: 'pods', namespace: word(), name: word(), apiVersion: 'v1' },
        responseStatus: { metadata: {}, code: 200 },
      })
    }
    const annotations = { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' }
    const frame = JSON.stringify(event).length + 130 + (lineBytes >= 1000 ? 100 : 0)
    const object: Record<string, unknown> = {}
    let room = lineBytes * (0.5 + random()) - frame
    for (let part = 0; room > 0; part += 1) {
      const name = `field${part}`
      const inner = {
        name: word(),
        labels: { app: word(), tier: word() },
        ports: [80, 443],
        ready: true,
        image: `r.io/${word()}:v1`,
      }
      object[name] = part % 8 === 3 ? JSON.stringify(inner) : inner
      room -= JSON.stringify(object[name]).length + name.length + 4
    }
    if (Object.keys(object).length > 0) event.requestObject = object
    event.stageTimestamp = stage
    if (lineBytes >= 1000) event.annotations = annotations
    lines.push(JSON.stringify(event))
    bytes += lines.at(-1)?.length ?? 0
  }
  return Buffer.from(`${lines.join('\n')}\n`)
}

function median(times: number[]): number {
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0
}

function timed(run: () => void): number {
  const start = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - start)
}

/** Bytes taken and nanoseconds of one body filled to its limit. */
function fill(body: Body, lines: Buffer): { readonly bytes: number; readonly ns: number } {
  body.reset()
  let bytes = 0
  let ns = 0
  for (;;) {
    const room = body.room()
    if (room === undefined) return { bytes, ns }
    const length = Math.min(room.length, lines.length - bytes)
    room.set(lines.subarray(bytes, bytes + length))
    let full = false
    ns += timed(() => {
      const appended = body.append({ origin, readAtMs: 1, from: 0, length })
      bytes += appended.end
      if (appended.stopped.kind === 'odd') throw new Error(appended.stopped.line.reason)
      full = appended.stopped.kind === 'full'
    })
    if (full) return { bytes, ns }
  }
}

console.log('GB/s         line     kernel   strings   ratio')
for (const lineBytes of [200, 2_000, 20_000, 200_000]) {
  const lines = auditLines(lineBytes, 8_000_000)
  const small = lines.subarray(0, lines.indexOf('\n', 2_000_000) + 1)
  for (const { name, body, withStrings } of works) {
    const speeds = Array.from({ length: ROUNDS }, () => {
      const { bytes, ns } = fill(body, lines)
      return bytes / ns
    })
    const other = Array.from({ length: Math.ceil(ROUNDS / 4) }, () => small.length / timed(() => withStrings(small)))
    const [kernel, strings] = [median(speeds), median(other)]
    console.log(
      `${name.padEnd(11)}${String(lineBytes).padStart(6)}${kernel.toFixed(2).padStart(11)}${strings.toFixed(2).padStart(10)}${`${(kernel / strings).toFixed(1)}×`.padStart(8)}`,
    )
  }
}
