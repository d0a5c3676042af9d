import { describe, expect, it } from 'vitest'
import { renderMetrics } from '../../src/observe/metrics.ts'
import type { Status } from '../../src/observe/status.ts'
import { sampleDestination, sampleFile, sampleSource, sampleStatus } from './sample-status.ts'

const labelPattern = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\n"])*"'
const samplePattern = new RegExp(
  `^([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{${labelPattern}(?:,${labelPattern})*\\})? (-?[0-9.e+-]+)$`,
)

/** Reads the text as strictly as the format is defined; the value by series. */
function parse(text: string): Map<string, number> {
  expect(text.endsWith('\n')).toBe(true)
  const series = new Map<string, number>()
  const seenFamilies = new Set<string>()
  let family = ''
  for (const line of text.trimEnd().split('\n')) {
    const head = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (head?.[1] === 'HELP') {
      family = head[2] ?? ''
      expect(seenFamilies, 'a family stands in one place').not.toContain(family)
      seenFamilies.add(family)
      expect(head[3]).not.toMatch(/[\\\n]/)
    } else if (head?.[1] === 'TYPE') {
      expect(head[2]).toBe(family)
      expect(head[3]).toBe(family.endsWith('_total') ? 'counter' : 'gauge')
    } else {
      const sample = samplePattern.exec(line)
      expect(sample, line).not.toBeNull()
      expect(sample?.[1]).toBe(family)
      expect(Number.isFinite(Number(sample?.[3])), line).toBe(true)
      const key = family + (sample?.[2] ?? '')
      expect(series, 'a series appears once').not.toContain(key)
      series.set(key, Number(sample?.[3]))
    }
  }
  return series
}

describe('the metrics', () => {
  it('have no digits that binary fractions add, and all that a count has', () => {
    const twice = { ...sampleDestination, recordsSent: 2 ** 52 - 1, retryTimeMs: 100 }
    const other = { ...sampleDestination, recordsSent: 2 ** 52, retryTimeMs: 200 }
    const text = renderMetrics({ ...sampleStatus, destinations: [twice, other] })
    expect(text).toContain('tailship_retry_seconds_total{destination="datadog"} 0.3\n')
    expect(text).toContain(`tailship_records_sent_total{destination="datadog"} ${2 ** 53 - 1}\n`)
  })

  it('say what the status says', () => {
    const series = parse(renderMetrics(sampleStatus))
    const file = 'integration="kubernetes_audit",path="/var/log/kubernetes/apiserver/audit.log"'
    const expected: Readonly<Record<string, number>> = {
      'tailship_build_info{version="1.2.3"}': 1,
      'tailship_health{check="ready"}': 1,
      tailship_checkpoint_writable: 1,
      process_start_time_seconds: Date.parse(sampleStatus.startedAt) / 1000,
      process_resident_memory_bytes: 73_400_320,
      process_cpu_seconds_total: 12.34,
      'tailship_destination_state{destination="datadog",state="ok"}': 1,
      'tailship_destination_state{destination="datadog",state="retrying"}': 0,
      'tailship_records_sent_total{destination="datadog"}': 95,
      'tailship_sent_encoded_bytes_total{destination="datadog"}': 21_000,
      'tailship_latency_peak_seconds{destination="datadog"}': 0.04,
      [`tailship_source_ok{${file}}`]: 1,
      [`tailship_source_files{${file},state="reading"}`]: 1,
      [`tailship_file_seen_bytes_total{${file}}`]: 183_000,
      [`tailship_file_lag_bytes{${file},destination="datadog"}`]: 2204,
      [`tailship_file_lag_seconds{${file},destination="datadog"}`]: 1.5,
    }
    expect(Object.fromEntries(Object.keys(expected).map((key) => [key, series.get(key)]))).toEqual(expected)
  })

  it('leave out what is not known', () => {
    const text = renderMetrics({
      ...sampleStatus,
      destinations: [{ ...sampleDestination, lastSuccessAt: undefined }],
      checkpoint: { ...sampleStatus.checkpoint, lastWrittenAt: undefined },
    })
    parse(text)
    expect(text).not.toMatch(/last_success|last_error|last_write|file_deletion|undefined|NaN/)
  })

  it('are valid whatever a file is called, and where two generations have one name', () => {
    const odd = {
      ...sampleFile,
      path: '/a "quoted"\\\n{},= \ud800 é',
      bytesSkipped: { 'nul-run': 7 },
      deletionInMs: 60_000,
    }
    const sources = [{ ...sampleSource, files: [odd, { ...odd, live: false, bytesSeen: 1 }] }]
    const series = parse(renderMetrics({ ...sampleStatus, sources }))
    const labels = 'integration="kubernetes_audit",path="/a \\"quoted\\"\\\\\\n{},= \ufffd é"'
    expect(series.get(`tailship_file_seen_bytes_total{${labels}}`)).toBe(183_001)
    expect(series.get(`tailship_file_skipped_bytes_total{${labels},reason="nul-run"}`)).toBe(14)
  })

  it('tell of lost bytes, beside the files that are in that state', () => {
    const lost = { ...sampleFile, live: false, state: 'lost' as const, bytesLost: 10_092 }
    const series = parse(renderMetrics({ ...sampleStatus, sources: [{ ...sampleSource, files: [sampleFile, lost] }] }))
    const file = 'integration="kubernetes_audit",path="/var/log/kubernetes/apiserver/audit.log"'
    expect(series.get(`tailship_file_lost_bytes_total{${file}}`)).toBe(10_092)
    expect(series.get(`tailship_source_files{${file},state="lost"}`)).toBe(1)
  })

  it('are valid while there is nothing to tell', () => {
    const status: Status = { ...sampleStatus, state: 'disabled', sources: [], destinations: [] }
    expect(parse(renderMetrics(status)).has('tailship_build_info{version="1.2.3"}')).toBe(true)
  })
})
