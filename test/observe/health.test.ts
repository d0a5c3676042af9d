import { describe, expect, it } from 'vitest'
import { judgeHealth } from '../../src/observe/health.ts'
import type { FileStatus, Status } from '../../src/observe/status.ts'
import { sampleDestination, sampleFile, sampleSource, sampleStatus } from './sample-status.ts'

const now = Date.parse(sampleStatus.now)
const secondsAgo = (seconds: number) => new Date(now - seconds * 1000).toISOString()
const withDestination = (changes: Partial<Status['destinations'][number]>): Partial<Status> => ({
  destinations: [{ ...sampleDestination, ...changes }],
})
const withSource = (changes: Partial<Status['sources'][number]>): Partial<Status> => ({
  sources: [{ ...sampleSource, ...changes }],
})
const failing = (name: string, error: string): FileStatus => ({
  ...sampleFile,
  path: `/logs/${name}.log`,
  state: 'error',
  error,
})
const failure = { at: secondsAgo(1), message: '503 Service Unavailable' }

describe('readiness', () => {
  const cases: readonly (readonly [string, Partial<Status>, readonly string[]])[] = [
    ['running and delivering', {}, []],
    ['disabled on purpose', { state: 'disabled', sources: [], destinations: [] }, []],
    ['starting', { state: 'starting' }, ['the agent is starting']],
    ['draining', { state: 'draining', ...withDestination({ state: 'stopped' }) }, ['the agent is draining']],
    [
      'checkpoint not writable',
      { checkpoint: { ...sampleStatus.checkpoint, writable: false, error: 'ENOSPC' } },
      ['checkpoint /var/lib/tailship/registry.json is not writable: ENOSPC'],
    ],
    [
      'source in error',
      withSource({ path: '/logs/*.log', state: 'error', error: 'permission denied', files: [] }),
      ['source /logs/*.log: permission denied'],
    ],
    [
      'no file yet',
      withSource({ path: '/logs/a.log', state: 'pending', files: [] }),
      ['source /logs/a.log: no file found yet'],
    ],
    [
      'no directory for it',
      withSource({ path: '/logs/a.log', state: 'pending', error: 'the directory /logs does not exist', files: [] }),
      ['source /logs/a.log: no file found yet: the directory /logs does not exist'],
    ],
    [
      'files in error',
      withSource({ state: 'error', error: 'EACCES', files: [sampleFile, failing('b', 'EACCES'), failing('c', 'EIO')] }),
      ['file /logs/b.log: EACCES', 'file /logs/c.log: EIO'],
    ],
    [
      'source in error, and a file',
      withSource({ path: '/logs/*.log', state: 'error', error: 'EACCES: /logs/d', files: [failing('b', 'EIO')] }),
      ['source /logs/*.log: EACCES: /logs/d', 'file /logs/b.log: EIO'],
    ],
    ['unread bytes lost', withSource({ files: [{ ...sampleFile, state: 'lost' }] }), []],
    ['a hiccup', withDestination({ state: 'retrying', failingSince: secondsAgo(59), lastError: failure }), []],
    [
      'stuck retrying',
      withDestination({ state: 'retrying', failingSince: secondsAgo(60), lastError: failure }),
      ['destination datadog has been retrying for 60 s: 503 Service Unavailable'],
    ],
    [
      'unauthorized',
      withDestination({
        state: 'unauthorized',
        failingSince: secondsAgo(1),
        lastError: { ...failure, message: '403' },
      }),
      ['destination datadog is unauthorized: 403'],
    ],
    ['misconfigured', withDestination({ state: 'misconfigured' }), ['destination datadog is misconfigured']],
    ['holding', withDestination({ state: 'holding' }), ['destination datadog is holding']],
  ]
  it.each(cases)('%s', (_, changes, reasons) => {
    const { ready } = judgeHealth({ ...sampleStatus, ...changes }, 10)
    expect(ready).toEqual({ ok: reasons.length === 0, reasons })
  })

  it('names at most twenty reasons', () => {
    const sources = Array.from({ length: 1000 }, (_, index) => ({
      ...sampleSource,
      path: `/${index}`,
      state: 'pending' as const,
    }))
    const { ready } = judgeHealth({ ...sampleStatus, sources }, 10)
    expect(ready.reasons).toHaveLength(21)
    expect(ready.reasons.at(-1)).toBe('and 980 more')
  })
})

describe('liveness', () => {
  const down: Partial<Status> = {
    ...withDestination({ state: 'unauthorized', failingSince: secondsAgo(9999) }),
    ...withSource({ state: 'error', error: 'EIO' }),
    checkpoint: { ...sampleStatus.checkpoint, writable: false },
  }
  it('does not depend on the intake, the files or the disk', () => {
    expect(judgeHealth({ ...sampleStatus, ...down }, 10).live).toEqual({ ok: true, reasons: [] })
  })

  it('fails when the tail loop no longer turns', () => {
    expect(judgeHealth(sampleStatus, 60_000).live).toEqual({ ok: true, reasons: [] })
    expect(judgeHealth(sampleStatus, 61_000).live).toEqual({
      ok: false,
      reasons: ['the tail loop has not run for 61 s'],
    })
  })

  it('does not ask for a tail loop where there is none', () => {
    expect(judgeHealth({ ...sampleStatus, state: 'disabled' }, 10).live.ok).toBe(true)
  })
})

describe('startup', () => {
  it('passes as soon as the agent has begun, whatever is wrong around it', () => {
    const check = (state: Status['state']) =>
      judgeHealth({ ...sampleStatus, ...withSource({ state: 'error' }), state }, 10).startup.ok
    expect((['starting', 'running', 'draining', 'disabled'] as const).map(check)).toEqual([false, true, true, true])
  })
})
