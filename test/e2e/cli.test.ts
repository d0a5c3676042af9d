import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exitCode } from '../../src/io.ts'
import type { Status } from '../../src/observe/status.ts'
import { fixturePath } from '../support/tls-fixtures.ts'

const main = new URL('../../dist/main.js', import.meta.url).pathname

let directory: string
let agents: ChildProcess[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tailship-cli-'))
  agents = []
})
afterEach(async () => {
  for (const agent of agents) {
    if (agent.exitCode !== null || agent.signalCode !== null) continue
    agent.kill('SIGKILL')
    await once(agent, 'exit')
  }
  await rm(directory, { recursive: true })
})

interface Ended {
  readonly code: number | undefined
  readonly out: string
  readonly err: string
}

/** The built program, as a process of its own. */
function agent(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...argv], { env }, (_, out, err) => {
      resolve({ code: child.exitCode ?? undefined, out, err })
    })
  })
}

describe('the program', () => {
  it('shows its version', async () => {
    expect(await agent(['version'])).toEqual({
      code: exitCode.ok,
      out: expect.stringMatching(/^tailship \d+\.\d+\.\d+\n$/),
      err: '',
    })
  })

  it('refuses a command it does not know, with a suggestion', async () => {
    expect(await agent(['statu'])).toEqual({
      code: exitCode.usage,
      out: '',
      err: 'agent: unknown command "statu": did you mean "status"?\nSee: agent --help\n',
    })
  })

  it('says that no agent runs', async () => {
    const { code, out, err } = await agent(['status', '--run-path', directory])
    expect([code, out]).toEqual([
      exitCode.unavailable,
      `No positions on disk: there is no ${directory}/registry.json\n`,
    ])
    expect(err).toContain(`  Why: there is no socket at ${directory}/agent.sock\n`)
  })

  it('refuses a wrong configuration with exit code 78', async () => {
    await writeFile(join(directory, 'conf.yaml'), 'logs:\n  - type: file\n    pth: /a.log\n')
    const { code, out, err } = await agent(['run', '--config', join(directory, 'conf.yaml')])
    expect([code, out]).toEqual([exitCode.configuration, ''])
    expect(err).toMatch(/conf\.yaml:3:5: .*pth/)
  })

  it('checks a configuration that comes by standard input', async () => {
    const input = 'logs:\n  - {type: file, pth: /a.log}\n'
    const checked = spawnSync(process.execPath, [main, 'configcheck', '-'], { input, encoding: 'utf8' })
    expect(checked.status).toBe(exitCode.configuration)
    expect(checked.stderr).toMatch(/^\/dev\/stdin:2:18: unknown key `pth`\n/m)
  })

  it('takes a reader that goes away as no fault', async () => {
    const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.destroy()
    let err = ''
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    expect([await once(child, 'close'), err]).toEqual([[exitCode.ok, null], ''])
  })

  it('exits 74 when what it prints cannot be written', async () => {
    const full = await open('/dev/full', 'w')
    const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', full.fd, 'ignore'] })
    expect(await once(child, 'close')).toEqual([exitCode.io, null])
    await full.close()
  })

  it('loads nothing but its own few modules for a probe', async () => {
    const { code } = await agent(['status', '--check=live', '--run-path', directory], { NODE_V8_COVERAGE: directory })
    expect(code).toBe(exitCode.unavailable)
    const report = (await readdir(directory)).find((name) => name.startsWith('coverage-'))
    const { result } = JSON.parse(await readFile(join(directory, report ?? ''), 'utf8'))
    const scripts: string[] = result
      .map(({ url }: { url: string }) => url)
      .filter((url: string) => url.startsWith('file:'))
    expect(scripts.length).toBeGreaterThan(5)
    expect(scripts.length).toBeLessThan(10)
    expect(scripts.filter((url) => url.includes('node_modules'))).toEqual([])
  })
})

describe('agent run', () => {
  const runPath = () => join(directory, 'run')
  const logPath = () => join(directory, 'audit.log')
  const confPath = () => join(directory, 'conf.yaml')

  async function configure(): Promise<void> {
    await writeFile(logPath(), '')
    // Port 9 is discard: nothing listens there.
    const conf = {
      logs: [{ type: 'file', path: logPath(), service: 'audit' }],
      destination: { type: 'webhook', url: 'http://127.0.0.1:9/', ca_file: fixturePath('expired.pem') },
      delivery: { batch_max_wait: '50ms', initial_backoff: '50ms', max_backoff: '100ms' },
      checkpoint: { run_path: runPath() },
    }
    await writeFile(confPath(), JSON.stringify(conf))
  }

  function start() {
    const child = spawn(process.execPath, [main, 'run', '--config', confPath()], {
      env: {},
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    agents.push(child)
    const log: string[] = []
    child.stderr.setEncoding('utf8').on('data', (chunk) => log.push(chunk))
    return { child, log, ended: once(child, 'close') }
  }

  async function status(): Promise<Status | undefined> {
    const { code, out } = await agent(['status', '-o', 'json', '--run-path', runPath()])
    return code === exitCode.unavailable ? undefined : JSON.parse(out)
  }

  it('is visible in status and ends with 0 on SIGTERM when all is delivered', async () => {
    await configure()
    const { child, log, ended } = start()
    const check = () => agent(['status', '--check=ready', '--config', confPath()]).then(({ code }) => code)
    await expect.poll(check).toBe(exitCode.ok)
    expect((await status())?.sources.map(({ path, state }) => [path, state])).toEqual([[logPath(), 'ok']])
    expect((await stat(join(runPath(), 'agent.sock'))).mode & 0o777).toBe(0o600)

    const second = start()
    expect([await second.ended, second.log.join('')]).toEqual([
      [exitCode.busy, null],
      expect.stringContaining('"level":"error"'),
    ])

    child.kill('SIGTERM')
    expect(await ended).toEqual([exitCode.ok, null])
    expect((await agent(['status', '--run-path', runPath()])).code).toBe(exitCode.unavailable)
    for (const line of log.join('').trimEnd().split('\n')) expect(JSON.parse(line)).toHaveProperty('component')
  })

  it('shows an outage and, asked twice to end, ends at once with 1', async () => {
    await configure()
    const { child, log, ended } = start()
    await appendFile(logPath(), '{"kind":"Event"}\n')
    const retries = () => status().then((found) => found?.destinations[0]?.retries ?? 0)
    await expect.poll(retries).toBeGreaterThan(1)
    expect(log.join('')).toMatch(/"level":"warn".*`ca_file` \S+expired\.pem expired at 2021-01-01T/)
    const { out } = await agent(['status', '--run-path', runPath()])
    expect(out).toMatch(/^ {4}Status: WARN retrying since 2/m)
    expect(out).toMatch(/^ {4}LastError: 2.*ECONNREFUSED/m)

    child.kill('SIGTERM')
    await expect.poll(() => log.join('')).toContain('draining')
    child.kill('SIGINT')
    expect(await ended).toEqual([exitCode.unhealthy, null])
    expect(log.join('')).toMatch(/"signal":"SIGINT","message":"stopped at once by a second signal; .*"\}\n$/)
    expect(log.join('')).not.toContain('"kind"')
  })
})
