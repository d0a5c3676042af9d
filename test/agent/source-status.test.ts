import { appendFileSync, mkdirSync, renameSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeSource } from '../../src/agent/source-status.ts'
import { judgeHealth } from '../../src/observe/health.ts'
import { renderMetrics } from '../../src/observe/metrics.ts'
import type { FileStatus } from '../../src/observe/status.ts'
import type { Tailer } from '../../src/tail/tailer.ts'
import { sampleStatus } from '../observe/sample-status.ts'
import { faultyFiles } from '../support/faulty-files.ts'
import { sourceOf, tailRig } from '../support/tail-rig.ts'
import { tempDir } from '../support/temp-dir.ts'

function filesOf(tailer: Tailer, nowMs = Date.now()): readonly FileStatus[] {
  return tailer.view().flatMap((view) => describeSource(view, nowMs).files)
}

test.each([
  ['fast', 'slow'],
  ['slow', 'fast'],
])(
  'the account of a file is that of the destination furthest behind, whether %s or %s is named first',
  async (...names) => {
    using dir = tempDir()
    const tail = tailRig({ dir: dir.path, destinations: names })
    appendFileSync(join(dir.path, 'audit.log'), 'a\nbb\n')
    expect(await tail.lines('slow')).toEqual(['a', 'bb'])
    appendFileSync(join(dir.path, 'audit.log'), 'ccc\n')
    expect(await tail.lines('fast')).toEqual(['a', 'bb', 'ccc'])
    const [file] = filesOf(tail.tailer)
    expect(file).toMatchObject({ sizeBytes: 9, bytesSeen: 9, bytesDelivered: 5, bytesPending: 4, bytesLost: 0 })
    expect(file?.positions).toMatchObject(
      names.map((destination) =>
        destination === 'slow'
          ? { destination, position: 5, bytesDelivered: 5, lagBytes: 4 }
          : { destination, position: 9, bytesDelivered: 9, lagBytes: 0 },
      ),
    )
    await tail.close()
  },
)

test('the live file tells when the writer will delete what is unread', async () => {
  using dir = tempDir()
  const hour = 3_600
  const now = Math.floor(Date.now() / 1000)
  const live = join(dir.path, 'audit.log')
  const rotated = (age: number) => `${live}.${age}`
  const tail = tailRig({ dir: dir.path })
  for (const age of [3, 2, 1]) {
    writeFileSync(rotated(age), `${age}\n`)
    utimesSync(rotated(age), now - age * hour, now - age * hour)
  }
  writeFileSync(live, 'unread\n')
  await tail.pass()
  // The writer keeps two.
  rmSync(rotated(3))
  for (const { lineages } of tail.tailer.view()) for (const lineage of lineages) lineage.wantScan()
  await tail.pass()
  const files = filesOf(tail.tailer, now * 1000)
  expect(files.map(({ live: isLive, deletionInMs }) => [isLive, deletionInMs])).toEqual([[true, 2 * hour * 1000]])
  await tail.close()
})

test('unread bytes that are gone are lost, and nothing that a destination lags behind', async () => {
  using dir = tempDir()
  const live = join(dir.path, 'audit.log')
  const tail = tailRig({ dir: dir.path, destinations: ['main', 'other'] })
  appendFileSync(live, 'a\n')
  expect([await tail.lines('main'), await tail.lines('other')]).toEqual([['a'], ['a']])
  appendFileSync(live, 'bb\n')
  expect(await tail.lines('main')).toEqual(['bb'])
  appendFileSync(live, 'unread\n')
  await tail.pass()
  rmSync(live)
  for (let start = 0; start < 2; start += 1) {
    await tail.restart()
    for (let look = 0; look < 3; look += 1) await tail.pass()
    const [file] = filesOf(tail.tailer)
    expect(file).toMatchObject({ state: 'lost', sizeBytes: 12, bytesDelivered: 2, bytesLost: 10 })
    expect(file?.positions).toMatchObject([
      { destination: 'main', position: 5, lagBytes: 0, lagMs: 0 },
      { destination: 'other', position: 2, lagBytes: 0, lagMs: 0 },
    ])
  }
  await tail.close()
})

test('nor does it wait longer and longer for what was truncated away while the agent ran', async () => {
  using dir = tempDir()
  const live = join(dir.path, 'audit.log')
  const tail = tailRig({ dir: dir.path })
  appendFileSync(live, 'a\n')
  expect(await tail.lines()).toEqual(['a'])
  appendFileSync(live, 'unread\n')
  await tail.pass()
  truncateSync(live)
  appendFileSync(live, 'b\n')
  expect(await tail.lines()).toEqual(['b'])
  for (let look = 0; look < 3; look += 1) await tail.pass()
  expect(filesOf(tail.tailer, Date.now() + 60_000)).toMatchObject([
    { state: 'lost', bytesLost: 7, positions: [{ lagBytes: 0, lagMs: 0 }] },
    { state: 'caught-up', bytesLost: 0, positions: [{ lagBytes: 0, lagMs: 0 }] },
  ])
  await tail.close()
})

test.each([
  ['audit.log', 'here/not/audit.log'],
  ['a pattern', 'here/not/*/audit-[ab].log'],
])('a source without files says which directory is missing: %s', async (_, path) => {
  using dir = tempDir()
  mkdirSync(join(dir.path, 'here'))
  const tail = tailRig({ dir: dir.path, sources: [sourceOf(join(dir.path, path))] })
  const described = () => tail.tailer.view().map((view) => describeSource(view, Date.now()))
  await tail.pass()
  expect(described()).toMatchObject([
    {
      state: 'pending',
      error: `the directory ${dir.path}/here/not does not exist; the nearest existing parent is ${dir.path}/here (in a pod, is it mounted there?)`,
    },
  ])
  mkdirSync(join(dir.path, 'here', 'not'))
  expect(described()).toMatchObject([{ state: 'pending', error: undefined }])
  await tail.close()
})

test('readiness names every file that cannot be read', async () => {
  using dir = tempDir()
  const { files, refuse } = faultyFiles()
  refuse(['open'], 'EACCES')
  const tail = tailRig({ dir: dir.path, sources: [sourceOf(join(dir.path, '*.log'))], files })
  for (const name of ['a', 'b']) writeFileSync(join(dir.path, `${name}.log`), 'x\n')
  await tail.pass()
  const sources = tail.tailer.view().map((view) => describeSource(view, Date.now()))
  const { reasons } = judgeHealth({ ...sampleStatus, sources }, 0).ready
  expect(reasons.map((reason) => reason.split(': ')[0])).toEqual([`file ${dir.path}/a.log`, `file ${dir.path}/b.log`])
  await tail.close()
})

test.each([
  ['the same path', 'audit.log', 'audit.log'],
  ['a path of a pattern', '*.log', 'audit.log'],
])('a source whose files are read for another one waits for nothing: %s', async (_, first, second) => {
  using dir = tempDir()
  const tail = tailRig({ dir: dir.path, sources: [first, second].map((name) => sourceOf(join(dir.path, name))) })
  const described = () => tail.tailer.view().map((view) => describeSource(view, Date.now()))
  await tail.pass()
  expect(described().map(({ state }) => state)).toEqual(['pending', 'pending'])
  writeFileSync(join(dir.path, 'audit.log'), 'a\n')
  await tail.restart()
  await tail.pass()
  const sources = described().toSorted((a, b) => b.files.length - a.files.length)
  expect(sources).toMatchObject([
    { state: 'ok', files: [{}], warnings: [] },
    { state: 'ok', files: [], warnings: [expect.stringMatching(/audit\.log is read for .* which means it, too$/)] },
  ])
  await tail.close()
})

test('lost bytes are those that the destination furthest behind has not read, whatever is under way for others', async () => {
  using dir = tempDir()
  const log = join(dir.path, 'audit.log')
  const tail = tailRig({ dir: dir.path, destinations: ['ahead', 'behind'], openFilesLimit: 1 })
  writeFileSync(log, 'aaaa\n')
  await tail.lines('behind')
  appendFileSync(log, 'bbbb\ncccc\n')
  await tail.read({ destination: 'ahead', settle: false })
  writeFileSync(log, 'zzzz new content\n')
  for (let look = 0; look < 5; look += 1) await tail.pass()
  expect(filesOf(tail.tailer).find(({ state }) => state === 'lost')).toMatchObject({ sizeBytes: 15, bytesLost: 10 })
  await tail.close()
})

test('a file that only a pattern means, deleted unread while the agent was down, is lost until it returns', async () => {
  using dir = tempDir()
  const log = join(dir.path, 'audit.log')
  const patterns = ['*.txt', '*.log', 'audit.*'].map((name) => sourceOf(join(dir.path, name)))
  const tail = tailRig({ dir: dir.path, destinations: ['ahead', 'behind'], sources: patterns })
  const described = () => tail.tailer.view().map((view) => describeSource(view, Date.now()))
  writeFileSync(log, 'a\n')
  expect([await tail.lines('behind'), await tail.lines('ahead')]).toEqual([['a'], ['a']])
  appendFileSync(log, 'bb\n')
  expect(await tail.lines('ahead')).toEqual(['bb'])
  appendFileSync(log, 'unread\n')
  await tail.pass()
  const away = join(dir.path, 'away')
  renameSync(log, away)
  await tail.restart()
  for (let look = 0; look < 3; look += 1) await tail.pass()
  const position = { bytesDeadLettered: 0, bytesSkipped: {}, bytesPending: 0, lagBytes: 0, lagMs: 0 }
  const at = (destination: string, offset: number) => ({
    ...{ destination, position: offset, readPosition: offset, bytesDelivered: offset, ...position },
  })
  const sources = described()
  expect(sources.map(({ state, files }) => [state, files.length])).toEqual([
    ['pending', 0],
    ['pending', 1],
    ['pending', 0],
  ])
  expect(sources[1]?.files).toEqual([
    {
      ...{ path: log, live: false, state: 'lost', error: undefined, sizeBytes: 12, bytesLost: 10 },
      ...{ bytesSeen: 2, bytesDelivered: 2, bytesDeadLettered: 0, bytesSkipped: {}, bytesPending: 0 },
      ...{ generationsPending: 0, deletionInMs: undefined, positions: [at('ahead', 5), at('behind', 2)] },
    },
  ])
  const metrics = renderMetrics({ ...sampleStatus, sources })
  expect(metrics).toContain(`tailship_file_lost_bytes_total{integration="test",path="${log}"} 10\n`)
  expect(metrics).toContain(
    `tailship_source_files{integration="test",path="${log.replace('audit', '*')}",state="lost"} 1\n`,
  )
  renameSync(away, log)
  expect(await tail.lines('behind')).toEqual(['bb', 'unread'])
  expect(filesOf(tail.tailer).filter(({ state }) => state === 'lost')).toEqual([])
  await tail.close()
})
