import { spawn } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitOf } from '../src/demo/child.ts'
import type { AgentCost, Bench } from './backlog.ts'
import { type Fixture, logOf } from './fixture.ts'
import { cpuSecondsOf, memoryOf } from './process-figures.ts'
import type { Codec } from './workloads.ts'

/** Another log agent, with the best settings for this workload, uncompressed or with a codec it supports. */
export interface Peer {
  readonly name: string
  readonly codecs: readonly Codec[]
  /** Its command line for a configuration file. */
  args(confPath: string, home: string): readonly string[]
  conf(place: Place): string
}

interface Place {
  readonly log: string
  readonly home: string
  readonly port: number
  readonly codec: Codec
}

export const peers: Readonly<Record<string, Peer>> = {
  'fluent-bit': {
    name: 'Fluent Bit',
    codecs: ['none', 'zstd', 'gzip'],
    args: (confPath) => ['-c', confPath],
    conf: ({ log, port, codec }) => `
service: {flush: 1, log_level: error}
pipeline:
  inputs:
    - {name: tail, path: ${log}, read_from_head: true, buffer_chunk_size: 2M, buffer_max_size: 8M, static_batch_size: 200M, mem_buf_limit: 100M}
  outputs:
    - {name: http, match: '*', host: 127.0.0.1, port: ${port}, uri: /, format: json_lines, workers: 2${codec === 'none' ? '' : `, compress: ${codec}`}}
`,
  },
  vector: {
    name: 'Vector',
    codecs: ['none', 'zstd', 'gzip'],
    args: (confPath) => ['--quiet', '--config', confPath],
    conf: ({ log, home, port, codec }) => `
data_dir: ${home}
sources: {log: {type: file, include: [${log}], read_from: beginning, max_line_bytes: 1048576, max_read_bytes: 1048576}}
sinks:
  out: {type: http, inputs: [log], uri: 'http://127.0.0.1:${port}/', encoding: {codec: text}, framing: {method: newline_delimited},
    compression: ${codec}, batch: {max_bytes: 5000000, timeout_secs: 1}, buffer: {type: memory, max_events: 5000}, healthcheck: {enabled: false}}
`,
  },
  otelcol: {
    name: 'OpenTelemetry Collector',
    codecs: ['none', 'zstd', 'gzip'],
    args: (confPath) => ['--config', confPath],
    conf: ({ log, port, codec }) => `
receivers: {filelog: {include: [${log}], start_at: beginning, max_log_size: 1MiB, include_file_name: false, max_batches: 0}}
processors: {batch: {send_batch_size: 2500, send_batch_max_size: 2500, timeout: 1s}}
exporters: {otlphttp: {logs_endpoint: 'http://127.0.0.1:${port}/', compression: ${codec}, sending_queue: {num_consumers: 4, queue_size: 16, block_on_overflow: true}}}
service: {telemetry: {metrics: {level: none}, logs: {level: error}}, pipelines: {logs: {receivers: [filelog], processors: [batch], exporters: [otlphttp]}}}
`,
  },
  'syslog-ng': {
    name: 'syslog-ng',
    codecs: ['none'],
    args: (confPath, home) => [
      ...['--foreground', '--no-caps', '--cfgfile', confPath, '--persist-file', join(home, 'persist')],
      ...['--control', join(home, 'control'), '--pidfile', join(home, 'pid')],
    ],
    conf: ({ log, port }) => `@version: 3.35
options { stats-freq(0); log-msg-size(1048576); };
source s { file("${log}" flags(no-parse) read-old-records(yes) follow-freq(0.1) log-iw-size(100000) log-fetch-limit(1000)); };
destination d { http(url("http://127.0.0.1:${port}/") method("POST") body("$MESSAGE") batch-lines(2500) batch-bytes(5000000)
  batch-timeout(1000) workers(4) delimiter("\\n") log-fifo-size(100000)); };
log { source(s); destination(d); flags(flow-control); };
`,
  },
}

/** A peer is done when nothing has arrived for this long. */
const QUIET_MS = 2000

/** Measures from its first request to its last; whether it knows that everything was delivered is not checked. */
export async function runPeer(
  { peer, program, codec }: { readonly peer: Peer; readonly program: string; readonly codec: Codec },
  fixture: Fixture,
  { sink, cleanup }: Bench,
): Promise<AgentCost> {
  const home = await mkdtemp(join(cleanup.directory, 'peer-'))
  const confPath = join(home, peer.name === 'syslog-ng' ? 'peer.conf' : 'peer.yaml')
  await writeFile(confPath, peer.conf({ log: logOf(fixture.directory, 0), home, port: sink.port, codec }))
  await sink.reset()
  const child = spawn(program, peer.args(confPath, home), { detached: true, stdio: ['ignore', 'ignore', 'inherit'] })
  cleanup.watch(child)
  const { pid } = child
  if (pid === undefined) throw new Error(`cannot start ${program}`)
  const gone = exitOf(child)
  let figures = await sink.figures()
  for (let requests = -1; figures.requests === 0 || figures.requests > requests; figures = await sink.figures()) {
    requests = figures.requests
    await sleep(QUIET_MS)
    if (child.exitCode !== null) throw new Error(`${peer.name} ended with ${child.exitCode}`)
  }
  const [cpuSeconds, { peak }] = [cpuSecondsOf(pid), memoryOf(pid)]
  child.kill('SIGKILL')
  await gone
  if (codec === 'none' && figures.bytes < 0.9 * fixture.bytes) {
    throw new Error(`${peer.name} delivered ${figures.bytes} bytes of ${fixture.bytes}`)
  }
  return {
    megabytesPerSecond: fixture.bytes / 1e3 / (figures.lastAtMs - figures.firstAtMs),
    cpuSecondsPerGigabyte: cpuSeconds / (fixture.bytes / 1e9),
    peakRssBytes: peak,
  }
}
