import { type ExitCode, exitCode, type Io } from '../io.ts'
import { DEFAULT_CONFIG_PATH } from '../run-path.ts'
import type { ArgumentSpec, Arguments, OptionSpec } from './arguments.ts'

/** A subcommand. Its dependencies are imported when it runs: `status` is a probe and should pay for nothing else. */
export interface Command extends ArgumentSpec {
  readonly name: string
  readonly summary: string
  /** Shown below the options in its help. */
  readonly notes?: string
  run(args: Arguments, io: Io): Promise<ExitCode>
}

const config: OptionSpec = {
  name: 'config',
  short: 'c',
  value: 'PATH',
  help: `a conf.yaml, or a directory of them (default: $TAILSHIP_CONFIG, else ${DEFAULT_CONFIG_PATH})`,
}
const output: OptionSpec = {
  name: 'output',
  short: 'o',
  value: 'FORMAT',
  choices: ['text', 'json'],
  help: 'text, or json: a versioned contract',
}
const runPath: OptionSpec = {
  name: 'run-path',
  value: 'PATH',
  help: "the agent's checkpoint.run_path (default: $TAILSHIP_RUN_PATH, else from the configuration)",
}

const run: Command = {
  name: 'run',
  summary: 'tail and ship until SIGTERM or SIGINT',
  options: [config],
  notes:
    'The first SIGTERM, SIGINT or SIGHUP stops reading, sends what was read, and exits 0; a second one exits 1 at once, which loses nothing but time.',
  run: async (args, io) => {
    const { run } = await import('./run.ts')
    return run(args, io)
  },
}

const status: Command = {
  name: 'status',
  summary: 'show what the running agent is doing',
  operands: { placeholder: '[agent|logs|checkpoint]', max: 1 },
  options: [
    output,
    {
      name: 'check',
      value: 'CHECK',
      choices: ['live', 'ready', 'startup'],
      help: 'only whether the agent is live, ready or started up, on one line',
    },
    { name: 'watch', short: 'w', help: 'show it again every second until Ctrl-C' },
    { name: 'json', short: 'j', help: 'JSON on one line' },
    { name: 'pretty-json', short: 'p', help: 'the same as -o json' },
    config,
    runPath,
  ],
  notes:
    'Exits 0 when the agent is live and ready (or passes CHECK), 1 when not, 69 when it is not reachable, 77 when its socket may not be used by this user.',
  run: async (args, io) => {
    const { status } = await import('./status.ts')
    return status(args, io)
  },
}

const health: Command = {
  name: 'health',
  summary: 'show whether the running agent is live, ready and started',
  options: [config, runPath],
  notes:
    'Exits 0 when it is all three, 1 when not, 69 when it is not reachable, 77 when its socket may not be used by this user.',
  run: async (args, io) => {
    const { health } = await import('./health.ts')
    return health(args, io)
  },
}

const configcheck: Command = {
  name: 'configcheck',
  summary: 'check a configuration: every problem with its line and column',
  operands: { placeholder: '[PATH…]', max: Number.POSITIVE_INFINITY },
  options: [{ ...config, help: `${config.help}; the same as a PATH` }, output],
  notes:
    'A PATH of - is standard input.\n\nExits 0 when there is no problem, warnings aside, and 78 when there is one.',
  run: async (args, io) => {
    const { configcheck } = await import('./configcheck.ts')
    const named = args.value('config')
    const paths = named === undefined ? args.operands : [...args.operands, named]
    return configcheck(paths, io, args.value('output') === 'json' ? 'json' : 'text')
  },
}

const replay: Command = {
  name: 'replay',
  summary: 'send dead letters again and remove those that are delivered',
  options: [
    { name: 'dead-letter', help: 'replay the dead letters (there is nothing else to replay)' },
    { name: 'destination', value: 'NAME', help: 'only those of this destination (default: all)' },
    { name: 'dry-run', help: 'only show how many would be sent again, and why they are there' },
    {
      name: 'attempts',
      value: 'NUMBER',
      help: 'how often one request may fail before the replay gives up (default: 5)',
    },
    output,
    config,
  ],
  notes: `The agent may run meanwhile; each has a throttle of its own. A record is sent as the configuration says now, except that rules are not applied again. It is removed when it is delivered: a replay that is killed sends some records twice and loses none. Ctrl-C stops it cleanly.

Exits 0 when nothing is left, 1 when something is, 69 when a destination cannot be reached, 75 when another replay is running. With --dry-run it exits 0, whatever it finds.`,
  run: async (args, io) => {
    const { replay } = await import('./replay.ts')
    return replay(args, io)
  },
}

const demo: Command = {
  name: 'demo',
  summary: 'prove delivery here, in a minute, against an intake that fails',
  options: [
    { name: 'duration', value: 'TIME', help: 'how long events are written (default: 40s)' },
    { name: 'rate', value: 'NUMBER', help: 'events a second (default: 400)' },
    { name: 'seed', value: 'NUMBER', help: 'the same seed writes the same events (default: 42)' },
    {
      name: 'destination',
      value: 'TYPE',
      choices: ['datadog', 'webhook'],
      help: 'the protocol to speak to the intake (default: datadog)',
    },
    { name: 'json', help: 'print the score card as JSON' },
  ],
  notes: 'Exits 0 when the score card says PASS, 1 when it says FAIL.',
  run: async (args, io) => {
    const { runDemo } = await import('./demo.ts')
    const [duration, rate, seed, destination] = ['duration', 'rate', 'seed', 'destination'].map(args.value)
    return runDemo({ json: args.flag('json'), duration, rate, seed, destination }, io)
  },
}

const version: Command = {
  name: 'version',
  summary: 'show the version',
  options: [],
  run: async (_, io) => {
    const { readVersion } = await import('../version.ts')
    io.stdout.write(`tailship ${readVersion()}\n`)
    return exitCode.ok
  },
}

/** In the order of the help. */
export const commands: readonly Command[] = [run, status, health, configcheck, replay, demo, version]
