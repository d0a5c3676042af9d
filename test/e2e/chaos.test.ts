import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { type AuditLog, openAuditLog } from '../../src/demo/audit-log.ts'
import { createEventSource, identityOf } from '../../src/demo/events/events.ts'
import { createRandom } from '../../src/demo/events/random.ts'
import { agentBench } from '../support/agent-process.ts'
import { type HostileIntake, startIntake } from '../support/hostile-intake.ts'
import type { Fault } from '../support/intake-faults.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'

const kills = Number(process.env.TAILSHIP_CHAOS_KILLS ?? 6)
const seed = Number(process.env.TAILSHIP_CHAOS_SEED ?? Date.now() % 1_000_000)

const maxInFlight = 4
const batchMaxSize = 50
const delivery = `delivery:
  batch_max_size: ${batchMaxSize}
  batch_max_wait: 20ms
  throttle_enable: false
  max_in_flight: ${maxInFlight}
  initial_backoff: 5ms
  max_backoff: 40ms
  request_timeout: 2s
`

/** Writes and rotates without end until `stop`; what was written is in `identities`. */
function continuousWriter(path: string, rotation: Rotation) {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const events = createEventSource(seed)
  const identities: string[] = []
  const log = rotation(path)
  let running = true
  const done = (async () => {
    while (running) {
      for (let n = 0; n < 10; n += 1) {
        const line = events.next()
        log.write(line)
        identities.push(identityOf(line) ?? '')
      }
      await sleep(10)
    }
    log.close()
  })()
  return {
    identities,
    async stop() {
      running = false
      await done
    },
  }
}

type Rotation = (path: string) => Pick<AuditLog, 'write' | 'close'>

const likeKubeApiserver: Rotation = (path) =>
  openAuditLog({ path, maxSizeBytes: 120_000, maxBackups: 0, nowMs: () => Date.now() })

/** Numbered names that move on at every rotation; older ones are compressed, under another name until they are whole. */
const likeLogrotate: Rotation = (path) => {
  const directory = dirname(path)
  let log = openAuditLog({ path, maxSizeBytes: 1e9, maxBackups: 0, nowMs: () => Date.now() })
  let size = 0

  function numbers(): number[] {
    const found = readdirSync(directory).map((name) => Number(/^audit\.log\.(\d+)(?:\.gz)?$/.exec(name)?.[1]))
    return found.filter((number) => number > 0).sort((a, b) => b - a)
  }

  function rotate(): void {
    log.close()
    for (const number of numbers()) {
      const ending = existsSync(`${path}.${number}`) ? '' : '.gz'
      renameSync(`${path}.${number}${ending}`, `${path}.${number + 1}${ending}`)
    }
    renameSync(path, `${path}.1`)
    log = openAuditLog({ path, maxSizeBytes: 1e9, maxBackups: 0, nowMs: () => Date.now() })
    const old = `${path}.2`
    if (!existsSync(old)) return
    writeFileSync(join(directory, 'compressing'), gzipSync(readFileSync(old)))
    renameSync(join(directory, 'compressing'), `${old}.gz`)
    rmSync(old)
  }

  return {
    write(line) {
      if (size > 120_000) {
        rotate()
        size = 0
      }
      size += line.length
      return log.write(line)
    },
    close: () => log.close(),
  }
}

const faults: readonly Fault[] = [
  { kind: 'answer', status: 503 },
  { kind: 'answer', status: 429 },
  { kind: 'delay', ms: 30 },
  { kind: 'lost-reply' },
  { kind: 'reset', at: 'body' },
  { kind: 'garbage' },
]

interface Arrival {
  readonly batchId: string
  readonly atMs: number
}

/** The arrivals of each line so far. What was looked at is not looked at again: they are asked for over and over. */
function arrivalsAt(intake: HostileIntake): () => ReadonlyMap<string, readonly Arrival[]> {
  const arrivals = new Map<string, Arrival[]>()
  let known = 0
  return () => {
    for (const { id, records, receivedAtMs } of intake.batches.slice(known)) {
      known += 1
      for (const record of records) {
        const identity = identityOf(record as object) ?? ''
        const seen = arrivals.get(identity)
        if (seen) seen.push({ batchId: id, atMs: receivedAtMs })
        else arrivals.set(identity, [{ batchId: id, atMs: receivedAtMs }])
      }
    }
    return arrivals
  }
}

test.each([
  ['kube-apiserver', likeKubeApiserver],
  ['logrotate with numbered names and compression', likeLogrotate],
])(
  `loses nothing while it is killed again and again under the rotation of %s (seed ${seed})`,
  async (_name, rotation) => {
    using dir = tempDir()
    const generator = createRandom(seed)
    const random = () => generator.uint32() / 2 ** 32
    const intake = await startIntake()
    intake.setFault(() => (random() < 0.15 ? faults[Math.floor(random() * faults.length)] : undefined))
    using bench = agentBench(dir.path, `destination: {type: webhook, url: "${intake.url}"}\n${delivery}`)
    // Rotated files that are there before the very first start would be history: the agent has to have begun.
    mkdirSync(dirname(bench.auditLog), { recursive: true })
    let agent = bench.start()
    await agent.status()
    const writer = continuousWriter(bench.auditLog, rotation)
    const killedAtMs: number[] = []
    for (let kill = 0; kill < kills; kill += 1) {
      const before = intake.batches.length
      await until(() => intake.batches.length > before + random() * 6)
      await sleep(random() * 120)
      await agent.kill()
      // What it has sent may still be on its way.
      await until(() => intake.openConnections === 0)
      killedAtMs.push(Date.now())
      await sleep(random() * 250)
      agent = bench.start()
    }
    await writer.stop()
    intake.setFault(undefined)
    const arrived = arrivalsAt(intake)
    await until(() => arrived().size >= writer.identities.length, 20_000 + kills * 1000)
    expect(await agent.stop()).toBe(0)

    const arrivals = arrived()
    expect(writer.identities.filter((identity) => !arrivals.has(identity))).toEqual([])
    expect(arrivals.size).toBe(writer.identities.length)
    // A line comes again as the same batch whose reply was lost, or because a kill came between its arrivals.
    const unexplained = [...arrivals].filter(([, [first, ...again]]) =>
      again.some(
        ({ batchId, atMs }) =>
          batchId !== first?.batchId && !killedAtMs.some((killMs) => killMs >= (first?.atMs ?? 0) && killMs <= atMs),
      ),
    )
    expect(unexplained.slice(0, 3)).toEqual([])

    // Nothing is sent again after a clean stop.
    const count = intake.requests.length
    agent = bench.start()
    const { sources } = await agent.status()
    expect(sources[0]?.files.filter(({ state }) => state === 'lost')).toEqual([])
    expect(await agent.stop()).toBe(0)
    expect(intake.requests.length).toBe(count)
    await intake.close()
  },
  60_000 + kills * 5000,
)
