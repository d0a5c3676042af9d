import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openAuditLog } from '../../src/demo/audit-log.ts'
import { createEventSource } from '../../src/demo/events/events.ts'
import { createRandom, type Random } from '../../src/demo/events/random.ts'
import { type DeadLetterEntry, decodeEntry } from '../../src/ship/dead-letter/entry.ts'
import { agentBench, type Bench } from '../support/agent-process.ts'
import { type HostileIntake, type IntakeBatch, startIntake } from '../support/hostile-intake.ts'
import type { Fault } from '../support/intake-faults.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const writeMs = Number(process.env.TAILSHIP_HOSTILE_SECONDS ?? 1.5) * 1000
const seed = Number(process.env.TAILSHIP_HOSTILE_SEED ?? Date.now() % 1_000_000)

const qps = 300
const burst = 30
const maxLineBytes = 20_000
/** Of a body, at the intake: less than a batch, and less than some lines. */
const intakeMaxBytes = 12_000
/** `max_in_flight` and as many that are being closed, the agent's own socket and who asks there, and what Node holds. */
const MOST_SOCKETS = 20

const delivery = `delivery: {batch_max_size: 40, batch_max_bytes: 60000, batch_max_wait: 20ms, throttle_qps: ${qps},
  throttle_burst: ${burst}, initial_backoff: 2ms, max_backoff: 20ms, request_timeout: 250ms}`

/** Everything the intake can do wrong, and some of what it may rightly answer. */
function faultOf(random: Random): Fault {
  const status = () => random.pick([400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 307])
  const retryAfter = () => random.pick(['0', '-1', 'soon', 'Sun, 06 Nov 1994 08:49:37 GMT', '1'])
  const faults: readonly [Fault, ...Fault[]] = [
    { kind: 'answer', status: status() },
    { kind: 'answer', status: 429, headers: { 'retry-after': retryAfter() } },
    { kind: 'answer', status: 302, headers: { location: 'http://127.0.0.1:9/' } },
    { kind: 'answer', status: 503, body: 'x'.repeat(300_000) },
    { kind: 'early', status: status() },
    { kind: 'delay', ms: random.below(60) },
    { kind: 'http-1.0' },
    { kind: 'lost-reply' },
    { kind: 'reset', at: 'headers' },
    { kind: 'reset', at: 'body' },
    { kind: 'reset', at: 'answer' },
    { kind: 'silence' },
    { kind: 'half-close' },
    { kind: 'garbage' },
    { kind: 'partial-headers' },
    { kind: 'partial-body' },
    { kind: 'endless', pace: 'slow' },
    { kind: 'endless', pace: 'fast' },
    { kind: 'slow-loris' },
  ]
  return random.pick(faults)
}

/** Events and what else may stand in such a log; every line is another one. */
function lineMaker(random: Random) {
  const events = createEventSource(seed)
  const fat = (line: string) =>
    line.replace('"requestURI"', `"requestObject":{"data":"${'x'.repeat(14_000)}"},"requestURI"`)
  let count = 0
  return (): string => {
    count += 1
    const line = events.next().toString().trimEnd()
    switch (random.below(40)) {
      case 0:
        return line.replace('"verb":"', '"verb":"poison-')
      case 1:
        return `klog: no event at all, "number" ${count} \\`
      case 2:
        return `${count} ${'too long '.repeat(maxLineBytes / 6)}`
      case 3:
        return fat(line)
      default:
        return line
    }
  }
}

/** Writes and rotates, 8 lines every 15 ms. */
async function write(bench: Bench, nextLine: () => string): Promise<string[]> {
  const log = openAuditLog({ path: bench.auditLog, maxSizeBytes: 250_000, maxBackups: 0, nowMs: () => Date.now() })
  const lines: string[] = []
  while (lines.length < (writeMs / 15) * 8) {
    const more = Array.from({ length: 8 }, nextLine)
    for (const line of more) log.write(Buffer.from(`${line}\n`))
    lines.push(...more)
    await sleep(15)
  }
  log.close()
  return lines
}

function deadLettersOf(bench: Bench): DeadLetterEntry[] {
  const dir = join(bench.runPath, 'dead-letter', 'sink')
  const names = readdirSync(dir).filter((name) => name.endsWith('.ndjson'))
  return names.flatMap((name) => {
    const lines = readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1)
    return lines.map((line) => decodeEntry(line) ?? expect.unreachable('a damaged dead letter'))
  })
}

/** The same for the same members, in whatever order; of what is no JSON object the text. */
function canonical(line: string): string {
  if (!line.startsWith('{')) return line
  return JSON.stringify(JSON.parse(line), (_, member) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
}

/** As kube-apiserver does it; by other means than the agent. */
function truncated(line: string): string {
  if (!line.startsWith('{')) return ''
  const { requestObject, responseObject, annotations, ...rest } = JSON.parse(line)
  return canonical(JSON.stringify({ ...rest, annotations: { 'audit.k8s.io/truncated': 'true', ...annotations } }))
}

const formats = {
  webhook: {
    more: 'compression: gzip',
    lineOf: (record: unknown) => JSON.stringify(record),
    /** Items stand in the list as they stood in the log. */
    isExact: (line: string, _record: unknown, { body }: IntakeBatch) => body.includes(line),
    canCarry: (line: string) => line.startsWith('{'),
  },
  datadog: {
    more: 'api_key: abc',
    lineOf: (record: unknown) => (record as { readonly message?: string }).message ?? '',
    isExact: (line: string, record: unknown) => (record as { readonly message?: string }).message === line,
    canCarry: (line: string) => line.length <= maxLineBytes || line.startsWith('{'),
  },
} as const

/** Connections and what listens, of the process itself. */
function socketsOf(pid: number): number {
  const dir = `/proc/${pid}/fd`
  const linkOf = (name: string) => {
    try {
      return readlinkSync(join(dir, name))
    } catch {
      return 'closed meanwhile'
    }
  }
  return readdirSync(dir).filter((name) => linkOf(name).startsWith('socket:')).length
}

const headOf = (line: string) => line.slice(0, 140)

/** Which of the lines arrived, whole or truncated, and what arrived that is none of them. */
function arrivalsOf(intake: HostileIntake, lines: readonly string[], type: keyof typeof formats) {
  const { lineOf, isExact } = formats[type]
  const wholeOf = new Map(lines.map((line) => [canonical(line), line]))
  const cutOf = new Map(lines.map((line) => [truncated(line), line]))
  const whole = new Set<string>()
  const cut = new Set<string>()
  const strange: string[] = []
  for (const batch of intake.batches) {
    for (const record of batch.records) {
      const form = canonical(lineOf(record))
      const line = wholeOf.get(form)
      const shortened = cutOf.get(form)
      if (line !== undefined && isExact(line, record, batch)) whole.add(line)
      else if (line === undefined && shortened !== undefined) cut.add(shortened)
      else strange.push(headOf(form))
    }
  }
  return { whole, cut, strange }
}

test.each(['webhook', 'datadog'] as const)(
  `every line is delivered or dead-lettered, whatever a %s receiver does (seed ${seed})`,
  async (type) => {
    using dir = tempDir()
    const random = createRandom(seed)
    const { more, lineOf, canCarry } = formats[type]
    const isPoison = (line: string) => line.includes('"verb":"poison-')
    const poison = (record: unknown) => isPoison(lineOf(record))
    const intake = await startIntake({ poison, maxBytes: intakeMaxBytes })
    let requests = 0
    let isHostile = true
    intake.setFault(() => {
      requests += 1
      return isHostile && random.below(100) < 25 ? faultOf(random) : undefined
    })
    using bench = agentBench(
      dir.path,
      `destination: {type: ${type}, name: sink, url: "${intake.url}", ${more}}\n${delivery}`,
      { source: `max_line_bytes: ${maxLineBytes}` },
    )
    mkdirSync(dirname(bench.auditLog), { recursive: true })
    const beganAtMs = performance.now()
    const first = bench.start()
    await first.status()
    const lines = await write(bench, lineMaker(random))
    const { process: used, pid } = await first.status()
    expect(used.rssBytes).toBeLessThan(384 * 1024 * 1024)
    expect(socketsOf(pid)).toBeLessThan(MOST_SOCKETS)

    // In the middle of it all.
    expect(await first.stop()).toBe(0)
    expect(first.log()).toContain('"message":"drained"')
    const second = bench.start()
    const before = requests
    await until(() => requests > before + 20)
    isHostile = false
    const files = async () => (await second.status()).sources.flatMap((source) => source.files)
    const isDone = async () =>
      (await files()).every(({ positions }) => positions.every(({ lagBytes }) => lagBytes === 0))
    await until(isDone, 60_000)
    const [live] = (await files()).filter((file) => file.live)
    const { bytesSeen = 0, bytesDelivered = 0, bytesDeadLettered = 0, bytesSkipped = {} } = live ?? {}
    const bytesLeftOut = Object.values(bytesSkipped).reduce((sum, bytes) => sum + bytes, 0)
    expect(bytesSeen).toBeGreaterThan(0)
    expect(bytesDelivered + bytesDeadLettered + bytesLeftOut).toBe(bytesSeen)
    expect(await second.stop()).toBe(0)
    expect(requests).toBeLessThanOrEqual(2 * burst + (qps * (performance.now() - beganAtMs)) / 1000)

    const written = new Set(lines)
    const { whole, cut, strange } = arrivalsOf(intake, lines, type)
    const deadTexts = deadLettersOf(bench).map(({ line }) => Buffer.from(line).toString())
    const dead = new Set(deadTexts.filter((text) => written.has(text)))
    // The agent truncates what is longer than max_line_bytes; that may be refused as any record.
    const deadCuts = new Set(deadTexts.filter((text) => !written.has(text)).map(canonical))
    const isDead = (line: string) => dead.has(line) || (line.length > maxLineBytes && deadCuts.has(truncated(line)))
    expect(lines.filter((line) => !whole.has(line) && !cut.has(line) && !isDead(line)).map(headOf)).toEqual([])
    expect(strange).toEqual([])
    expect([...deadCuts].filter((form) => !lines.some((line) => truncated(line) === form)).map(headOf)).toEqual([])
    expect(lines.filter((line) => !canCarry(line) && !dead.has(line)).map(headOf)).toEqual([])
    expect([cut.size > 0, [...dead].some(isPoison)]).toEqual([true, true])
    // One id, the same bytes (I6).
    const bodies = new Map(intake.requests.map(({ id, body }) => [id, body]))
    expect(intake.requests.filter(({ id, body }) => !bodies.get(id)?.equals(body)).map(({ id }) => id)).toEqual([])
    expect(intake.malformed).toEqual([])
    await intake.close()
  },
  120_000 + writeMs,
)
