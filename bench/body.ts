import { Buffer } from 'node:buffer'
import type { Origin } from '../src/chunk.ts'
import type { Body } from '../src/ship/body/body.ts'
import { createJsonListBody } from '../src/ship/body/json-list-body.ts'
import { createAttributesBody, createMessageBody } from '../src/ship/body/message-body.ts'
import { auditLines } from './audit-lines.ts'
import { spreadOf } from './statistics.ts'

/**
 * How fast bodies are encoded, in GB of lines per second: the median of several rounds over 8 MB, in bodies of the size
 * Datadog accepts, compared with the same work on one string per line. Filling the room is not timed.
 */
const ROUNDS = Number(process.argv[2] ?? 31)
const ATTRIBUTES =
  '"hostname":"node-1","service":"audit","ddsource":"kubernetes.audit","ddtags":"env:prod,filename:audit.log,dirname:/var/log/kubernetes"'
const limits = { batchMaxSize: 1000, batchMaxBytes: 5_000_000, maxLineBytes: 1_048_576 }
const origin: Origin = {
  id: '1',
  path: '/var/log/kubernetes/audit.log',
  labels: { service: 'audit', source: 'kubernetes.audit', tags: [] },
  maxLineBytes: limits.maxLineBytes,
}

interface Workload {
  readonly name: string
  readonly body: Body
  readonly withStrings: (lines: Buffer) => Buffer
}

const attributesOf = () => Buffer.from(ATTRIBUTES)
const workloads: readonly Workload[] = [
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

function timed(run: () => void): number {
  const start = process.hrtime.bigint()
  run()
  return Number(process.hrtime.bigint() - start)
}

/** Nanoseconds to encode all lines, in as many bodies as they fill. */
function encodeAll(body: Body, lines: Buffer): number {
  let bytes = 0
  let ns = 0
  let full = true
  while (bytes < lines.length) {
    if (full) body.reset()
    const room = body.room()
    full = room === undefined
    if (room === undefined) continue
    const length = Math.min(room.length, lines.length - bytes)
    room.set(lines.subarray(bytes, bytes + length))
    ns += timed(() => {
      const { end, stopped } = body.append({ origin, readAtMs: 1, from: 0, length })
      if (stopped.kind === 'odd') throw new Error(stopped.line.reason)
      bytes += end
      full = stopped.kind === 'full'
    })
  }
  return ns
}

console.log('GB/s         line     kernel   strings   ratio')
for (const lineBytes of [200, 2_000, 20_000, 200_000]) {
  const lines = auditLines(lineBytes, 8_000_000)
  const small = lines.subarray(0, lines.indexOf('\n', 2_000_000) + 1)
  for (const { name, body, withStrings } of workloads) {
    const speeds = Array.from({ length: ROUNDS }, () => lines.length / encodeAll(body, lines))
    const other = Array.from({ length: Math.ceil(ROUNDS / 4) }, () => small.length / timed(() => withStrings(small)))
    const [kernel, strings] = [spreadOf(speeds).median, spreadOf(other).median]
    console.log(
      `${name.padEnd(11)}${String(lineBytes).padStart(6)}${kernel.toFixed(2).padStart(11)}${strings.toFixed(2).padStart(10)}${`${(kernel / strings).toFixed(1)}×`.padStart(8)}`,
    )
  }
}
