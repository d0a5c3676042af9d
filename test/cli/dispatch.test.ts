import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { dispatch } from '../../src/cli/dispatch.ts'
import { exitCode } from '../../src/io.ts'
import { fakeIo } from './fake-io.ts'

async function agent(...argv: string[]) {
  const io = fakeIo()
  const code = await dispatch(argv, io)
  return { code, out: io.stdout.text, err: io.stderr.text }
}

describe('help', () => {
  it.each([['--help'], ['-h'], ['help'], ['help --help'], ['help -h']])(
    '%s lists every command on standard output',
    async (words) => {
      const { code, out, err } = await agent(...words.split(' '))
      expect([code, err]).toEqual([exitCode.ok, ''])
      expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
      for (const { name, summary } of commands) expect(out).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'))
    },
  )

  it('goes to standard error, as wrong usage, where no command is given', async () => {
    const { code, out, err } = await agent()
    expect([code, out]).toEqual([exitCode.usage, ''])
    expect(err).toContain('Usage: agent COMMAND')
  })

  it.each(commands.map(({ name }) => [name]))('of %s names each option, however it is asked for', async (name) => {
    const { code, out } = await agent(name, '--help')
    const options = commands.find((command) => command.name === name)?.options ?? []
    expect([code, out.split('\n')[0]?.startsWith(`Usage: agent ${name} [OPTIONS]`)]).toEqual([exitCode.ok, true])
    for (const option of options) expect(out).toContain(`--${option.name}`)
    expect((await agent('help', name)).out).toBe(out)
    expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
  })
})

describe('wrong usage', () => {
  it.each([
    [['stat'], 'agent: unknown command "stat": did you mean "status"?\nSee: agent --help\n'],
    [['rnu'], 'agent: unknown command "rnu": did you mean "run"?\nSee: agent --help\n'],
    [['--config', 'run'], 'agent: option "--config" must follow the command\nSee: agent --help\n'],
    [['-o', 'json', 'status'], 'agent: option "-o" must follow the command\nSee: agent --help\n'],
    [['--run-path=/x', 'health'], 'agent: option "--run-path=/x" must follow the command\nSee: agent --help\n'],
    [['--hepl'], 'agent: unknown option "--hepl": did you mean "--help"?\nSee: agent --help\n'],
    [['xyzzy'], 'agent: unknown command "xyzzy"\nSee: agent --help\n'],
    [['help', 'demmo'], 'agent: unknown command "demmo": did you mean "demo"?\nSee: agent --help\n'],
    [
      ['status', '--chek=live'],
      'agent status: unknown option "--chek": did you mean "--check"?\nSee: agent status --help\n',
    ],
    [['version', 'now'], 'agent version: unexpected argument "now"\nSee: agent version --help\n'],
    [['toString'], 'agent: unknown command "toString"\nSee: agent --help\n'],
  ])('%j is answered on standard error with exit code 64', async (argv, message) => {
    expect(await agent(...argv)).toEqual({ code: exitCode.usage, out: '', err: message })
  })
})

it.each([['version'], ['--version'], ['-v'], ['-V']])('%s prints the version', async (word) => {
  const { code, out } = await agent(word)
  expect([code, out]).toEqual([exitCode.ok, expect.stringMatching(/^tailship \d+\.\d+\.\d+\n$/)])
})

describe('configcheck', () => {
  it('takes its paths as --config, as other commands do, or plainly', async () => {
    const told = (await agent('configcheck', '--config', '/nowhere/conf.yaml')).err
    expect(told).toContain('/nowhere/conf.yaml: does not exist')
    expect((await agent('configcheck', '/nowhere/conf.yaml')).err).toBe(told)
  })
})
