import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeDocument } from '../../src/checkpoint/document.ts'
import { dispatch } from '../../src/cli/dispatch.ts'
import { exitCode } from '../../src/io.ts'
import { renderStatus } from '../../src/observe/render.ts'
import { startServer } from '../../src/observe/server.ts'
import type { Status } from '../../src/observe/status.ts'
import { sampleStatus } from '../observe/sample-status.ts'
import { fakeIo } from './fake-io.ts'

let runPath: string
let cleanups: (() => Promise<unknown>)[]
let socketPath: string

beforeEach(async () => {
  runPath = await mkdtemp(join(tmpdir(), 'tailship-status-'))
  socketPath = join(runPath, 'agent.sock')
  cleanups = [() => rm(runPath, { recursive: true })]
})
afterEach(async () => {
  for (const cleanup of cleanups.toReversed()) await cleanup()
})

const silentLog = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

async function liveAgent(status: Status = sampleStatus): Promise<void> {
  const server = await startServer({ runPath, listen: undefined, status: () => status, log: silentLog })
  cleanups.push(() => server.close())
}

/** Something that listens where the agent should, and does as it is told. */
async function impostor(onConnection: (socket: Socket) => void): Promise<void> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
}

async function agent(...argv: string[]) {
  const io = fakeIo({ env: { TAILSHIP_RUN_PATH: runPath } })
  const code = await dispatch(argv, io)
  return { code, out: io.stdout.text, err: io.stderr.text }
}

const unready: Status = {
  ...sampleStatus,
  health: { ...sampleStatus.health, ready: { ok: false, reasons: ['source /a: EACCES', 'destination b is holding'] } },
}

describe('with a running agent', () => {
  it('prints its status for people', async () => {
    await liveAgent()
    expect(await agent('status')).toEqual({ code: exitCode.ok, out: renderStatus(sampleStatus), err: '' })
  })

  it('prints one section, also by the name the Datadog Agent gives it', async () => {
    await liveAgent()
    const logs = renderStatus(sampleStatus, ['logs'])
    expect((await agent('status', 'logs')).out).toBe(logs)
    expect((await agent('status', 'Logs Agent')).out).toBe(logs)
    expect(await agent('status', 'forwarder')).toEqual({
      code: exitCode.usage,
      out: '',
      err: 'agent status: no section "forwarder": use agent, logs or checkpoint\nSee: agent status --help\n',
    })
  })

  it.each([
    [['-o', 'json'], 2],
    [['--pretty-json'], 2],
    [['-j'], 0],
  ])('prints the contract for %j', async (flags, indent) => {
    await liveAgent()
    const { code, out } = await agent('status', ...flags)
    expect([code, out]).toEqual([exitCode.ok, `${JSON.stringify(sampleStatus, undefined, indent)}\n`])
  })

  it('exits 1 while the agent is not ready, and prints everything all the same', async () => {
    await liveAgent(unready)
    expect(await agent('status')).toEqual({ code: exitCode.unhealthy, out: renderStatus(unready), err: '' })
  })

  it.each([
    ['live', exitCode.ok, 'OK    live\n'],
    ['ready', exitCode.unhealthy, 'FAIL  ready: source /a: EACCES; destination b is holding\n'],
    ['startup', exitCode.ok, 'OK    startup\n'],
  ])('--check=%s exits %d in one line', async (check, code, out) => {
    await liveAgent(unready)
    expect(await agent('status', `--check=${check}`)).toEqual({ code, out, err: '' })
  })

  it('health shows every check', async () => {
    await liveAgent(unready)
    expect(await agent('health')).toEqual({
      code: exitCode.unhealthy,
      out: 'OK    live\nFAIL  ready: source /a: EACCES; destination b is holding\nOK    startup\n',
      err: '',
    })
  })

  it('is found by the configuration, too', async () => {
    await liveAgent()
    const conf = join(runPath, 'conf.yaml')
    await writeFile(conf, `logs: [{type: file, path: /a.log}]\ncheckpoint: {run_path: '${runPath}'}\n`)
    const io = fakeIo()
    expect([await dispatch(['status', '--check=live', '--config', conf], io), io.stderr.text]).toEqual([
      exitCode.ok,
      '',
    ])
  })
})

describe('without an agent', () => {
  const registry = {
    writtenAt: '2026-11-21T10:00:00.000Z',
    generations: [
      {
        id: 'g1',
        path: '/logs/audit.log',
        lastPath: '/logs/audit.log',
        dev: '1',
        ino: '2',
        birth: '0',
        prefix: { length: 1, hash: 'a' },
        size: 5000,
        finished: false,
        seenAt: '2026-11-21T10:00:00.000Z',
        positions: {
          datadog: { offset: 4096, marker: { length: 1, hash: 'b' }, deadLetteredBytes: 0, skippedBytes: {} },
        },
      },
      { id: 'makes no sense' },
    ],
  }

  it('says so, why and what to try, and shows the positions on disk', async () => {
    await writeFile(join(runPath, 'registry.json'), encodeDocument(registry))
    const { code, out, err } = await agent('status')
    expect(code).toBe(exitCode.unavailable)
    expect(err.split('\n')).toEqual([
      'FAIL  the agent is not running or cannot be reached',
      `  Why: there is no socket at ${socketPath}`,
      '  Try: start it: agent run --config FILE',
      `  Try: name its run path, if it is not ${runPath} (from $TAILSHIP_RUN_PATH): --run-path DIR or --config FILE`,
      '  Try: if it is running, read its log: it says when the run path cannot hold a socket',
      '  Try: in Kubernetes: kubectl exec into the pod of the agent on that node',
      '',
    ])
    expect(out.replace(/\(\d+d?.* ago\)|\(in .*\)/, '(then)').split('\n')).toEqual([
      `Positions on disk: ${runPath}/registry.json, written 2026-11-21T10:00:00.000Z (then)`,
      '  WARN 1 entry left out: not understood',
      '  STATE  SIZE SEEN       DESTINATION  POSITION        LEFT   FILE',
      '  open   4.9 KiB (5000)  datadog      4.0 KiB (4096)  904 B  /logs/audit.log',
      '',
    ])
  })

  it('shows the positions of the configured run path, wherever probes ask', async () => {
    await writeFile(join(runPath, 'registry.json'), encodeDocument(registry))
    const file = join(runPath, 'conf.yaml')
    await writeFile(file, `logs: [{type: file, path: /a.log}]\ncheckpoint: {run_path: ${runPath}}\n`)
    const socket = join(runPath, 'probes.sock')
    const io = fakeIo({ env: { TAILSHIP_SOCKET: socket, TAILSHIP_CONFIG: file } })
    expect(await dispatch(['status'], io)).toBe(exitCode.unavailable)
    expect(io.stderr.text).toContain(`  Why: there is no socket at ${socket}\n`)
    expect(io.stdout.text).toContain(`Positions on disk: ${runPath}/registry.json, `)
  })

  it('says the same as JSON under a schema of its own', async () => {
    await writeFile(join(runPath, 'registry.json'), encodeDocument(registry))
    const { code, out } = await agent('status', '-o', 'json')
    expect(code).toBe(exitCode.unavailable)
    expect(JSON.parse(out)).toEqual({
      schema: 'tailship.offline/v1',
      reason: `there is no socket at ${socketPath}`,
      advice: expect.any(Array),
      checkpoint: {
        path: join(runPath, 'registry.json'),
        unusable: [],
        writtenAt: '2026-11-21T10:00:00.000Z',
        rejected: 1,
        generations: [
          {
            id: 'g1',
            path: '/logs/audit.log',
            lastPath: '/logs/audit.log',
            sizeBytes: 5000,
            finished: false,
            positions: [{ destination: 'datadog', position: 4096 }],
          },
        ],
      },
    })
  })

  it('says that there are none', async () => {
    expect((await agent('status')).out).toBe(`No positions on disk: there is no ${runPath}/registry.json\n`)
  })

  it('shows those an agent would go on from where the newest are damaged', async () => {
    await writeFile(join(runPath, 'registry.json'), '{"version":1,"st')
    await writeFile(join(runPath, 'registry.json.prev'), encodeDocument(registry))
    const { out } = await agent('status')
    expect(out).toContain(`Positions on disk: ${runPath}/registry.json.prev, written `)
    expect(out).toContain('  WARN registry.json is cut short: an agent started now resumes from the file above\n')
    expect(out).toContain('/logs/audit.log')
  })

  it('says what is wrong and what to do where all are damaged', async () => {
    await writeFile(join(runPath, 'registry.json'), '{"version":1,"st')
    await writeFile(join(runPath, 'registry.json.prev'), '')
    expect((await agent('status')).out.split('\n')).toEqual([
      'No usable positions on disk: registry.json is cut short, registry.json.prev is empty',
      '  An agent started now begins as at its first start, and sends again what is there.',
      `  Try: if you have a copy, put it at ${runPath}/registry.json before you start one; these files are kept as registry.json.corrupt-N`,
      '',
    ])
    expect(JSON.parse((await agent('status', '-j')).out).checkpoint).toEqual({
      path: join(runPath, 'registry.json'),
      problem: 'registry.json is cut short, registry.json.prev is empty',
      unusable: ['registry.json is cut short', 'registry.json.prev is empty'],
    })
  })

  it('tells a run path that does not exist', async () => {
    const { code, err } = await agent('status', '--run-path', join(runPath, 'none'))
    expect(code).toBe(exitCode.unavailable)
    expect(err).toContain(`  Why: the run path ${runPath}/none does not exist\n`)
  })

  it('tells a socket that a killed agent left behind', async () => {
    const code = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', code])
    const { code: exit, err } = await agent('status')
    expect(exit).toBe(exitCode.unavailable)
    expect(err).toContain(
      `  Why: nothing listens on ${socketPath}: the agent that created it was killed or has crashed\n`,
    )
    expect(err).toContain(`  Try: name its run path, if it is not ${runPath} (from $TAILSHIP_RUN_PATH): `)
  })

  it('tells a socket that may not be used, with exit code 77', async () => {
    await liveAgent()
    const script = new URL('./ask-as-nobody.ts', import.meta.url)
    await chmod(runPath, 0o755)
    if (process.getuid?.() !== 0) await chmod(socketPath, 0)
    const child = spawnSync(process.execPath, [script.pathname, runPath], { encoding: 'utf8' })
    expect([child.stdout, child.stderr, child.status]).toEqual([
      `FAIL  live: permission denied: ${socketPath}\n`,
      '',
      exitCode.permission,
    ])
  })

  it('tells a run path too long for a socket', async () => {
    const { code, err } = await agent('status', '--run-path', `/${'d'.repeat(120)}`)
    expect(code).toBe(exitCode.unavailable)
    expect(err).toContain(
      `  Why: /${'d'.repeat(120)}/agent.sock is 132 bytes long, and the path of a unix socket may have at most 107: choose a shorter one\n`,
    )
  })

  it('exits 69 from a check, in one line', async () => {
    expect(await agent('status', '--check=live')).toEqual({
      code: exitCode.unavailable,
      out: `FAIL  live: there is no socket at ${socketPath}\n`,
      err: '',
    })
  })

  it('stops asking for more checks', async () => {
    expect(await agent('health')).toEqual({
      code: exitCode.unavailable,
      out: `FAIL  live: there is no socket at ${socketPath}\n`,
      err: '',
    })
  })

  it.each(['--watch', '-j', '--output=json'])('prints a check as text, and refuses %s beside it', async (option) => {
    const { code, out, err } = await agent('status', '--check=live', option)
    expect([code, out]).toEqual([exitCode.usage, ''])
    expect(err).toContain('--check is one line of text: it does not go with --')
  })

  it('exits 78 when the configuration cannot say where it is', async () => {
    const conf = join(runPath, 'conf.yaml')
    await writeFile(conf, 'checkpoint: {run_pth: /x}\n')
    const io = fakeIo()
    expect(await dispatch(['status', '--config', conf], io)).toBe(exitCode.configuration)
    expect(io.stderr.text).toContain('agent: the run path is not known: give it with --run-path DIR\n')
  })
})

describe('with something else on the socket', () => {
  it('says that it speaks no HTTP', async () => {
    await impostor((socket) => socket.end('SSH-2.0\r\n'))
    const { code, err } = await agent('status')
    expect(code).toBe(exitCode.unavailable)
    expect(err).toContain('what listens there does not speak HTTP')
  })

  it.each([
    ['another version of the contract', '{"schema":"tailship.status/v9"}'],
    ['half an answer', '{"schema":"tailship.status/v1","version'],
    ['no object', 'null'],
  ])('does not take %s for a status', async (_, body) => {
    await impostor((socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${body}`))
    const status = await agent('status')
    expect([status.code, status.err]).toEqual([
      exitCode.unavailable,
      expect.stringContaining('is the agent another version?'),
    ])
    expect((await agent('status', '--check=live')).code).toBe(exitCode.unavailable)
  })

  it('gives up on an agent that never answers, and calls it unhealthy', async () => {
    await impostor(() => undefined)
    const [status, check] = await Promise.all([agent('status'), agent('status', '--check=live')])
    expect([status.code, check.code]).toEqual([exitCode.unavailable, exitCode.unhealthy])
    expect(check.out).toContain('no answer comes')
  })
})
