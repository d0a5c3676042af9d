import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runPathOf } from '../../src/cli/find-run-path.ts'
import type { Environment } from '../../src/io.ts'
import { directoryOf } from '../config/loading.ts'
import { fakeIo } from './fake-io.ts'

const files = {
  'a.yaml': 'logs: [{type: file, path: /a.log}]\ncheckpoint: {run_path: /of/a}\n',
  'etc/b.yaml': 'logs: [{type: file, path: /a.log}]\ncheckpoint: {run_path: /of/etc}\n',
  'socket.yaml': 'logs: [{type: file, path: /a.log}]\ncheckpoint: {run_path: /of/s}\nserver: {socket: /s.sock}\n',
}
const socket = { 'lib/agent.sock': '' }

/** `DIR` stands for the directory with the files. */
async function found(
  options: Readonly<Record<string, string>>,
  env: Environment,
  there: Readonly<Record<string, string>>,
) {
  const directory = directoryOf(there)
  const named = (text: string | undefined) => text?.replace('DIR', directory)
  const value = (name: string) => named(options[name])
  const io = fakeIo({ env: Object.fromEntries(Object.entries(env).map(([name, text]) => [name, named(text)])) })
  const usual = { runPath: join(directory, 'lib'), config: join(directory, 'etc') }
  const runPath = await runPathOf({ value }, io, usual)
  const shown = (text: string | undefined) => text?.replace(directory, 'DIR')
  if (runPath === undefined) return shown(io.stderr.text)
  const asked = runPath.socket === join(runPath.path, 'agent.sock') ? '' : `, asked at ${shown(runPath.socket)}`
  return `${shown(runPath.path)}, by ${shown(runPath.source)}${asked}`
}

const both = { TAILSHIP_RUN_PATH: '/run', TAILSHIP_CONFIG: 'DIR/a.yaml' }

it.each([
  [{ 'run-path': '/here', config: 'DIR/a.yaml' }, both, '/here, by --run-path'],
  [{ config: 'DIR/a.yaml' }, both, '/of/a, by DIR/a.yaml'],
  [{}, both, '/run, by $TAILSHIP_RUN_PATH'],
  [{}, { TAILSHIP_CONFIG: 'DIR/a.yaml' }, '/of/a, by DIR/a.yaml ($TAILSHIP_CONFIG)'],
  [{}, {}, 'DIR/lib, by the default'],
  [{ 'run-path': '/here' }, { TAILSHIP_SOCKET: '/e.sock' }, '/here, by --run-path'],
  [{ config: 'DIR/socket.yaml' }, { TAILSHIP_SOCKET: '/e.sock' }, '/of/s, by DIR/socket.yaml, asked at /s.sock'],
  [{ config: 'DIR/a.yaml' }, { TAILSHIP_SOCKET: '/e.sock' }, '/of/a, by DIR/a.yaml, asked at /e.sock'],
  [{}, { ...both, TAILSHIP_SOCKET: '/e.sock' }, '/run, by $TAILSHIP_RUN_PATH, asked at /e.sock'],
  [{}, { TAILSHIP_CONFIG: 'DIR/a.yaml', TAILSHIP_SOCKET: '/e.sock' }, 'DIR/lib, by the default, asked at /e.sock'],
])('%j with %j leads to its run path, though a socket lies at the default one', async (options, env, expected) => {
  expect(await found(options, env, { ...files, ...socket })).toBe(expected)
})

it('is what the default configuration says where no socket lies at the default one', async () => {
  expect(await found({}, {}, files)).toBe('/of/etc, by DIR/etc')
  expect(await found({}, {}, {})).toBe('DIR/lib, by the default')
})

it('is not known where TAILSHIP_CONFIG names what is not there', async () => {
  expect(await found({}, { TAILSHIP_CONFIG: 'DIR/none.yaml' }, { ...files, ...socket })).toBe(
    'DIR/none.yaml: does not exist\nagent: the run path is not known: give it with --run-path DIR\n',
  )
})
