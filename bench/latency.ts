import { appendFile, mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Setting, settledBytes, startAgent, untilStatus } from './agent-process.ts'
import { logOf } from './fixture.ts'
import { quantile } from './statistics.ts'

/** Milliseconds from the write of a line until its request has arrived at the server. */
export interface Latency {
  readonly lines: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

const LINES_PER_SECOND = 1000
/** Lines are written in bursts, one every 5 ms. */
const WRITE_EVERY_MS = 5
const PADDING = 'x'.repeat(1900)

/** 2 KB lines at a steady rate, without a batch wait. Writer and server share a process and therefore a clock. */
export async function measureLatency(seconds: number, setting: Setting): Promise<Latency> {
  const writtenAtMs: number[] = []
  const latencies: number[] = []
  const server = await listen((body) => {
    const nowMs = performance.now()
    for (const [, line] of body.matchAll(/"line":(\d+),/g)) latencies.push(nowMs - (writtenAtMs[Number(line)] ?? nowMs))
  })
  const { port } = server.address() as AddressInfo
  const agent = await startAgent(
    {
      destination: `type: webhook, url: "http://127.0.0.1:${port}/"`,
      delivery: 'batch_max_wait: 0s',
    },
    setting,
  )
  const log = logOf(agent.logs, 0)
  await mkdir(dirname(log))
  await appendFile(log, '{"first":true}\n')
  await untilStatus(agent, (status) => settledBytes(status) > 0)
  const beganAtMs = performance.now()
  while (performance.now() - beganAtMs < seconds * 1000) {
    const due = Math.floor(((performance.now() - beganAtMs) * LINES_PER_SECOND) / 1000) - writtenAtMs.length
    const lines = Array.from({ length: due }, (_, index) => lineOf(writtenAtMs.length + index))
    const nowMs = performance.now()
    for (const _ of lines) writtenAtMs.push(nowMs)
    if (due > 0) await appendFile(log, lines.join(''))
    await sleep(WRITE_EVERY_MS)
  }
  while (latencies.length < writtenAtMs.length) await sleep(20)
  await agent.stop()
  server.close()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => quantile(latencies, share)
  return { lines: latencies.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}

function lineOf(line: number): string {
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","line":${line},"padding":"${PADDING}"}\n`
}

async function listen(onBody: (body: string) => void): Promise<Server> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      onBody(Buffer.concat(pieces).toString('latin1'))
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
