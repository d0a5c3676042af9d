import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dispatch } from '../../src/cli/dispatch.ts'
import { exitCode } from '../../src/io.ts'
import { openDeadLetter } from '../../src/ship/dead-letter/dead-letter.ts'
import type { DeadLetterEntry } from '../../src/ship/dead-letter/entry.ts'
import { entryOf } from '../ship/dead-letter/entries.ts'
import { closeAfterEach, openIntake } from '../support/destinations.ts'
import type { HostileIntake } from '../support/hostile-intake.ts'
import { tempDir } from '../support/temp-dir.ts'
import { until } from '../support/until.ts'
import { fakeIo } from './fake-io.ts'

closeAfterEach()

let dir: ReturnType<typeof tempDir>
let intake: HostileIntake
let refusing: (record: unknown) => boolean

beforeEach(async () => {
  dir = tempDir()
  refusing = () => false
  intake = await openIntake({ poison: (record) => refusing(record) })
})
afterEach(() => dir[Symbol.dispose]())

const deadLetter = (name = 'sink') => join(dir.path, 'run', 'dead-letter', name)
const segments = (name?: string) => readdirSync(deadLetter(name)).filter((file) => file.endsWith('.ndjson'))
const contentOf = (name?: string) => segments(name).map((file) => readFileSync(join(deadLetter(name), file), 'utf8'))
const left = () =>
  contentOf().flatMap((text) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).line),
  )
const numberOf = (record: unknown) => (record as { readonly n: number }).n
const entries = (count: number) => Array.from({ length: count }, (_, n) => entryOf(`{"n":${n}}`))

async function fill(more: readonly DeadLetterEntry[], name = 'sink') {
  const { write } = await openDeadLetter({ dir: deadLetter(name), maxBytes: 1e6 })
  expect(await write(more)).toMatchObject({ kind: 'stored' })
}

function configure(delivery = '', destinations = `  - {type: webhook, name: sink, url: "${intake.url}"}`) {
  writeFileSync(
    join(dir.path, 'conf.yaml'),
    `logs:\n  - {type: file, path: /var/log/audit.log, service: audit, tags: [a:b]}\ndestinations:\n${destinations}
delivery: {initial_backoff: 1ms, max_backoff: 2ms, ${delivery}}\ncheckpoint: {run_path: ${join(dir.path, 'run')}}\n`,
  )
}

function begin(...more: string[]) {
  const io = fakeIo()
  const ended = dispatch(['replay', '--dead-letter', '--config', join(dir.path, 'conf.yaml'), ...more], io)
  return { io, ended }
}

async function replay(...more: string[]) {
  const { io, ended } = begin(...more)
  return { code: await ended, out: io.stdout.text, err: io.stderr.text }
}

describe('agent replay', () => {
  it('sends everything and removes it', async () => {
    await fill(entries(3))
    configure()

    expect(await replay()).toEqual({ code: exitCode.ok, out: 'sink: 3 delivered and removed\n', err: '' })
    expect(intake.records()).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }])
    expect(segments()).toEqual([])
  })

  it('keeps what is refused still, and says why', async () => {
    await fill([...entries(5), entryOf('{"torn', { reason: 'torn-line' })])
    refusing = (record) => numberOf(record) === 3
    configure()

    expect(await replay()).toEqual({
      code: exitCode.unhealthy,
      out:
        'sink: 4 delivered and removed, 2 kept\n' +
        '         1  kept: the front of a line that was never finished\n' +
        '         1  kept: HTTP 400 Bad Request: {}\n',
      err: '',
    })
    expect(intake.records().map(numberOf).toSorted()).toEqual([0, 1, 2, 4])
    expect(left()).toEqual(['{"n":3}', '{"torn'])
  })

  it('makes records as the configuration says now', async () => {
    await fill([entryOf('plain'), entryOf('other', { path: '/var/log/gone.log' })])
    configure('', `  - {type: datadog, name: sink, url: "${intake.url}", api_key: k}`)

    expect((await replay()).code).toBe(exitCode.ok)
    expect(intake.records()).toMatchObject([
      {
        message: 'plain',
        service: 'audit',
        ddtags: 'a:b,filename:audit.log,dirname:/var/log',
        timestamp: 1793872800000,
      },
      { message: 'other', ddtags: 'filename:gone.log,dirname:/var/log' },
    ])
  })

  it('leaves everything where the destination does not answer, after as many attempts as it is given', async () => {
    await fill(entries(3))
    intake.setFault(() => ({ kind: 'answer', status: 503, body: 'busy' }))
    configure()
    const before = contentOf()

    expect(await replay('--attempts', '2')).toEqual({
      code: exitCode.unavailable,
      out: 'sink: 0 delivered and removed\n  not reachable, the rest was not tried: HTTP 503 Service Unavailable: busy\n',
      err: '',
    })
    expect([contentOf(), intake.requests.length]).toEqual([before, 2])
  })

  it('removes what was delivered before the destination stopped to answer', async () => {
    await fill(entries(3))
    intake.setFault(({ index }) => (index > 0 ? { kind: 'answer', status: 403 } : undefined))
    configure('batch_max_size: 1')

    expect((await replay('--attempts', '1')).code).toBe(exitCode.unavailable)
    expect(left()).toEqual(['{"n":1}', '{"n":2}'])
  })

  it('removes what was delivered before a signal, and says that it was interrupted', async () => {
    await fill(entries(3))
    intake.setFault(({ index }) => (index > 0 ? { kind: 'silence' } : undefined))
    configure('batch_max_size: 1')
    const { io, ended } = begin()
    await until(() => intake.requests.length === 2)
    io.signal('SIGINT')

    expect([await ended, io.stdout.text]).toEqual([
      exitCode.unhealthy,
      'sink: 1 delivered and removed\n  interrupted, the rest was not tried\n',
    ])
    expect(left()).toEqual(['{"n":1}', '{"n":2}'])
  })

  it('refuses to work beside another replay', async () => {
    await fill(entries(1))
    const release = Promise.withResolvers<void>()
    intake.setFault(() => ({ kind: 'hold', until: release.promise }))
    configure()
    const first = begin()
    await until(() => intake.requests.length === 1)

    expect(await replay()).toEqual({
      code: exitCode.busy,
      out: '',
      err: expect.stringMatching(
        /^agent replay: another replay is working on .*\/dead-letter \(agent replay, process \d+\)\n$/,
      ),
    })
    release.resolve()
    expect(await first.ended).toBe(exitCode.ok)
    expect((await replay()).code).toBe(exitCode.ok)
    expect(intake.batches).toHaveLength(1)
  })

  it('replays one destination where one is named, and tells of dead letters that belong to none', async () => {
    for (const name of ['sink', 'other', 'former']) await fill(entries(1), name)
    const one = (name: string) => `  - {type: webhook, name: ${name}, url: "${intake.url}"}`
    configure('', `${one('sink')}\n${one('other')}`)

    expect(await replay('--destination', 'other')).toEqual({
      code: exitCode.ok,
      out: 'other: 1 delivered and removed\n',
      err: `agent replay: ${deadLetter('former')} is left alone: no destination of that name is configured\n`,
    })
    expect(['sink', 'other', 'former'].map((name) => segments(name).length)).toEqual([1, 0, 1])
    expect((await replay()).out).toBe('sink: 1 delivered and removed\nother: no dead letters\n')
  })

  it('finds nothing where nothing was ever dead-lettered, and leaves nothing', async () => {
    configure()

    expect(await replay()).toEqual({ code: exitCode.ok, out: 'sink: no dead letters\n', err: '' })
    expect((await replay('--dry-run')).out).toBe('sink: no dead letters\n')
    expect(existsSync(join(dir.path, 'run'))).toBe(false)
  })

  it('draws on a terminal how far it is and what it waits for', async () => {
    await fill(entries(2))
    intake.setFault(({ index }) => (index === 0 ? { kind: 'answer', status: 503 } : undefined))
    configure()
    const io = fakeIo({ terminal: { columns: 60, rows: 20 } })

    expect(await dispatch(['replay', '--dead-letter', '-c', join(dir.path, 'conf.yaml')], io)).toBe(exitCode.ok)
    expect(io.stderr.text.split('\r\x1b[2K')).toEqual(
      ['', 'sink: 0 tried, 0 delivered: HTTP 503 Service Unavailable: {}', 'sink: 2 tried, 2 delivered', ''].map(
        (line) => line.slice(0, 59),
      ),
    )
  })
})

describe('agent replay --dry-run', () => {
  it('shows why records are there and which could not be sent, and changes nothing', async () => {
    const torn = entryOf('{"torn', { reason: 'torn-line' })
    const text = entryOf('no object', { reason: 'not-json' })
    await fill([...entries(2), entryOf('{"n":9}', { reason: 'HTTP 413' }), torn, text])
    writeFileSync(join(deadLetter(), '00000009.ndjson'), 'damaged\n')
    configure()
    const before = contentOf()

    expect(await replay('--dry-run')).toEqual({
      code: exitCode.ok,
      out:
        'sink: 3 would be sent again, 3 cannot be\n' +
        '         2  rejected: 400\n' +
        '         1  HTTP 413\n' +
        '         1  cannot be sent: the front of a line that was never finished\n' +
        '         1  cannot be sent: not a JSON object, as the destination requires\n' +
        '         1  cannot be sent: damaged, or of a format this agent does not know\n',
      err: '',
    })
    expect([contentOf(), intake.requests.length]).toEqual([before, 0])
    expect(readdirSync(join(dir.path, 'run', 'dead-letter'))).toEqual(['sink'])
  })
})

describe('agent replay -o json', () => {
  it('gives the same as one document', async () => {
    await fill([...entries(2), entryOf('{"torn', { reason: 'torn-line' })])
    configure()
    const kept = [{ reason: 'the front of a line that was never finished', records: 1 }]

    expect(JSON.parse((await replay('--dry-run', '-o', 'json')).out)).toEqual({
      schema: 'tailship.replay/v1',
      dryRun: true,
      destinations: [{ destination: 'sink', sendable: [{ reason: 'rejected: 400', records: 2 }], kept, unreadable: 0 }],
    })
    expect(JSON.parse((await replay('-o', 'json')).out)).toEqual({
      schema: 'tailship.replay/v1',
      dryRun: false,
      destinations: [{ destination: 'sink', delivered: 2, kept, unreadable: 0, interrupted: false }],
    })
  })
})

describe('agent replay that cannot begin', () => {
  it.each([
    [[], 'nothing to replay: add --dead-letter'],
    [['--dead-letter', '--attempts', '0'], '--attempts cannot be "0": use a whole number, at least 1'],
    [['--dead-letter', '--attempts', 'many'], '--attempts cannot be "many": use a whole number, at least 1'],
    [['--dead-letter', '--destination', 'x'], 'no destination is called "x": use sink'],
  ])('because of wrong usage %j exits 64', async (argv, problem) => {
    configure()
    const io = fakeIo()

    expect(await dispatch(['replay', '-c', join(dir.path, 'conf.yaml'), ...argv], io)).toBe(exitCode.usage)
    expect(io.stderr.text).toBe(`agent replay: ${problem}\nSee: agent replay --help\n`)
  })

  it('because of a wrong configuration exits 78', async () => {
    writeFileSync(join(dir.path, 'conf.yaml'), 'logs: 5\n')

    expect(await replay()).toMatchObject({ code: exitCode.configuration, out: '' })
  })

  it('because a file stands in the place of the directory exits 74', async () => {
    mkdirSync(join(dir.path, 'run'))
    writeFileSync(join(dir.path, 'run', 'dead-letter'), '')
    configure()

    expect(await replay()).toMatchObject({ code: exitCode.io, err: expect.stringMatching(/ENOTDIR/) })
  })

  it.runIf(process.getuid?.() === 0)('because root would leave files that its agent cannot use exits 77', async () => {
    await fill(entries(1))
    configure()
    chownSync(join(dir.path, 'run', 'dead-letter'), 65_534, 65_534)
    const { code, err } = await replay()
    expect([code, err]).toEqual([
      exitCode.permission,
      expect.stringMatching(/dead-letter belongs to uid 65534: run this as that user/),
    ])
    expect([segments().length, intake.requests.length]).toEqual([1, 0])
  })

  it.skipIf(process.getuid?.() === 0)('because it may not look exits 77', async () => {
    await fill(entries(1))
    configure()
    chmodSync(join(dir.path, 'run'), 0)
    const { code } = await replay('--dry-run')
    chmodSync(join(dir.path, 'run'), 0o700)

    expect(code).toBe(exitCode.permission)
  })
})
