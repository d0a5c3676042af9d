import { describe, expect, it } from 'vitest'
import { renderStatus } from '../../src/observe/render.ts'
import type { Status } from '../../src/observe/status.ts'
import { sampleDestination, sampleFile, samplePosition, sampleSource, sampleStatus } from './sample-status.ts'

it('shows a healthy agent in the layout of the Datadog Agent', () => {
  expect(renderStatus(sampleStatus)).toBe(`=======================
tailship agent (v1.2.3)
=======================

  Status date: 2026-11-21T10:00:00.000Z
  Agent start: 2026-11-21T09:00:00.000Z (1h ago)
  State: running
  Pid: 4242
  Hostname: node-1
  Config: /etc/tailship/conf.yaml
  Memory: 70.0 MiB (73400320)
  CPU: 12s
  Open files: 23

  Health
  ------
    OK    live
    OK    ready
    OK    startup

  Delivery
  --------
    OK    datadog: lag 2.2 KiB (2204), 1s

==========
Logs Agent
==========

    Reliable: Sending logs to datadog https://http-intake.logs.datadoghq.com/api/v2/logs
    Destination: datadog
    Status: OK
    BytesSent: 176.8 KiB (181000)
    EncodedBytesSent: 20.5 KiB (21000)
    LogsProcessed: 95
    LogsSent: 95
    BatchesSent: 12
    DeadLettered: none on disk, 0 since the start
    InFlight: 1 batch, 2.0 KiB (2000)
    RetryCount: 0
    RetryTimeSpent: 0s
    Latency: average 2.1ms, peak 40ms
    LastSuccess: 2026-11-21T09:59:57.000Z (3s ago)

  kubernetes_audit
  ----------------
    - Type: file
      Path: /var/log/kubernetes/apiserver/audit.log
      Service: audit
      Source: kubernetes.audit
      Status: OK
      Inputs:
        /var/log/kubernetes/apiserver/audit.log
      Bytes Read: 183000
      Files:
        STATE       SIZE                DESTINATION  POSITION            LAG             LAG TIME  FILE
        OK reading  178.9 KiB (183204)  datadog      176.8 KiB (181000)  2.2 KiB (2204)  1s        /var/log/kubernetes/apiserver/audit.log

==========
Checkpoint
==========

    Status: OK
    Path: /var/lib/tailship/registry.json
    LastWritten: 2026-11-21T09:59:59.000Z (1s ago)
`)
})

it('gives each of several reasons a line', () => {
  const health = { ...sampleStatus.health, ready: { ok: false, reasons: ['a\nb', 'c'] } }
  expect(renderStatus({ ...sampleStatus, health }, ['agent'])).toContain(`
    OK    live
    FAIL  ready:
          - a\\x0ab
          - c
    OK    startup
`)
})

it('has no latency before the first batch', () => {
  const destination = { ...sampleDestination, batchesSent: 0 }
  expect(renderStatus({ ...sampleStatus, destinations: [destination] })).toContain('    Latency: none yet\n')
})

const outage: Status = {
  ...sampleStatus,
  health: {
    ...sampleStatus.health,
    ready: { ok: false, reasons: ['destination primary has been retrying for 90 s: 503'] },
  },
  config: { files: ['/etc/tailship/a.yaml', '/etc/tailship/b.yaml'], problems: ['b.yaml:3:5: unknown key `pth`'] },
  destinations: [
    {
      ...sampleDestination,
      name: 'primary',
      state: 'retrying',
      recordsSent: 90,
      deadLetteredRecords: 5,
      deadLetterRecords: 7,
      deadLetterBytes: 10_240,
      inFlight: 4,
      inFlightBytes: 20_000_000,
      retries: 7,
      retryTimeMs: 90_000,
      lastError: { at: '2026-11-21T09:59:58.000Z', message: '503 Service\nUnavailable' },
      failingSince: '2026-11-21T09:58:30.000Z',
      nextAttemptAt: '2026-11-21T10:00:04.000Z',
    },
    {
      ...sampleDestination,
      name: 'second',
      description: 'webhook https://audit.example/',
      state: 'unauthorized',
      lastSuccessAt: undefined,
      failingSince: '2026-11-21T09:59:00.000Z',
    },
  ],
  sources: [
    {
      ...sampleSource,
      files: [
        {
          ...sampleFile,
          path: '/logs/audit-2026-11-21T09-00-00.000.log',
          live: false,
          state: 'draining',
          positions: [
            {
              ...samplePosition,
              destination: 'primary',
              position: 0,
              readPosition: 0,
              lagBytes: 1000,
              lagMs: 3_600_000,
            },
            { ...samplePosition, destination: 'second', position: 1000, readPosition: 1000, lagBytes: 0, lagMs: 0 },
          ],
          sizeBytes: 1000,
          deletionInMs: 250_000,
          bytesSkipped: { 'empty-line': 3, rule: 0 },
        },
        {
          ...sampleFile,
          path: '/logs/audit.log',
          sizeBytes: 10,
          positions: [],
          state: 'error',
          error: 'permission denied',
          generationsPending: 1,
          bytesDeadLettered: 4096,
        },
      ],
    },
    { ...sampleSource, path: '/logs/none.log', service: undefined, source: undefined, state: 'pending', files: [] },
    { ...sampleSource, integration: 'other', state: 'error', error: 'not readable: \x1b[31m', files: [] },
  ],
  checkpoint: {
    ...sampleStatus.checkpoint,
    writable: false,
    error: 'ENOSPC',
    recovered: 'registry.json was damaged: went on from the previous one',
  },
}

it('shows what is wrong: health, destinations, files, checkpoint', () => {
  expect(renderStatus(outage).split('\n').slice(13)).toEqual(
    `
  Health
  ------
    OK    live
    FAIL  ready: destination primary has been retrying for 90 s: 503
    OK    startup
    WARN  config: b.yaml:3:5: unknown key \`pth\`

  Delivery
  --------
    WARN  primary: retrying, lag 1000 B, 1h
    FAIL  second: unauthorized, lag 0 B

==========
Logs Agent
==========

    Reliable: Sending logs to datadog https://http-intake.logs.datadoghq.com/api/v2/logs
    Destination: primary
    Status: WARN retrying since 2026-11-21T09:58:30.000Z (1m 30s ago)
    BytesSent: 176.8 KiB (181000)
    EncodedBytesSent: 20.5 KiB (21000)
    LogsProcessed: 95
    LogsSent: 90
    BatchesSent: 12
    DeadLettered: WARN 7 on disk, 10.0 KiB (10240), 5 since the start: see agent replay --dead-letter --dry-run
    InFlight: 4 batches, 19.1 MiB (20000000)
    RetryCount: 7
    RetryTimeSpent: 1m 30s
    Latency: average 2.1ms, peak 40ms
    LastSuccess: 2026-11-21T09:59:57.000Z (3s ago)
    LastError: 2026-11-21T09:59:58.000Z (2s ago): 503 Service\\x0aUnavailable
    NextAttempt: 2026-11-21T10:00:04.000Z (in 4s)

    Reliable: Sending logs to webhook https://audit.example/
    Destination: second
    Status: FAIL unauthorized since 2026-11-21T09:59:00.000Z (1m ago)
    BytesSent: 176.8 KiB (181000)
    EncodedBytesSent: 20.5 KiB (21000)
    LogsProcessed: 95
    LogsSent: 95
    BatchesSent: 12
    DeadLettered: none on disk, 0 since the start
    InFlight: 1 batch, 2.0 KiB (2000)
    RetryCount: 0
    RetryTimeSpent: 0s
    Latency: average 2.1ms, peak 40ms
    LastSuccess: none yet

  kubernetes_audit
  ----------------
    - Type: file
      Path: /var/log/kubernetes/apiserver/audit.log
      Service: audit
      Source: kubernetes.audit
      Status: OK
      Inputs:
        /logs/audit.log
      Bytes Read: 366000
      Files:
        STATE        SIZE    DESTINATION  POSITION  LAG     LAG TIME  FILE
        OK draining  1000 B  primary      0 B       1000 B  1h        /logs/audit-2026-11-21T09-00-00.000.log
        OK draining  1000 B  second       1000 B    0 B     0s        /logs/audit-2026-11-21T09-00-00.000.log
        FAIL error   10 B    -            -         -       -         /logs/audit.log
        WARN /logs/audit-2026-11-21T09-00-00.000.log: the writer will delete unread bytes in about 4m 10s
        OK /logs/audit-2026-11-21T09-00-00.000.log: skipped empty-line 3 B
        FAIL /logs/audit.log: permission denied
        WARN /logs/audit.log: 1 rotated generation not delivered yet
        OK /logs/audit.log: dead-lettered 4.0 KiB (4096)
    - Type: file
      Path: /logs/none.log
      Status: Pending
      Bytes Read: 0

  other
  -----
    - Type: file
      Path: /var/log/kubernetes/apiserver/audit.log
      Service: audit
      Source: kubernetes.audit
      Status: Error: not readable: \\x1b[31m
      Bytes Read: 0

==========
Checkpoint
==========

    Status: FAIL not writable: ENOSPC
    Path: /var/lib/tailship/registry.json
    LastWritten: 2026-11-21T09:59:59.000Z (1s ago)
    Recovered: WARN registry.json was damaged: went on from the previous one
`.split('\n'),
  )
})

it('says how much of a file is lost', () => {
  const lost = { ...sampleFile, path: '/logs/gone.log', live: false, state: 'lost' as const, bytesLost: 10_092 }
  const text = renderStatus({ ...sampleStatus, sources: [{ ...sampleSource, files: [lost] }] }, ['logs'])
  expect(text).toContain(
    '  FAIL /logs/gone.log: lost 9.9 KiB (10092): the file was deleted or overwritten before it was read\n',
  )
})

it('says why there can be no file yet', () => {
  const error = 'the directory /logs does not exist'
  const pending = { ...sampleSource, state: 'pending' as const, error, files: [] }
  const text = renderStatus({ ...sampleStatus, sources: [pending] }, ['logs'])
  expect(text).toContain(`      Status: Pending: ${error}\n`)
})

describe('a section', () => {
  it('is shown alone', () => {
    expect(renderStatus(sampleStatus, ['checkpoint'])).toBe(`==========
Checkpoint
==========

    Status: OK
    Path: /var/lib/tailship/registry.json
    LastWritten: 2026-11-21T09:59:59.000Z (1s ago)
`)
  })

  it('says why nothing is read when collection is disabled', () => {
    const text = renderStatus({ ...sampleStatus, state: 'disabled' }, ['agent'])
    expect(text).toContain('  State: disabled: DD_LOGS_ENABLED is false, nothing is read\n')
  })
})
