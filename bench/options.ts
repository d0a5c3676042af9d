import { parseArgs } from 'node:util'
import { ownAgent } from './agent-process.ts'
import { peers } from './peers.ts'
import type { Load } from './soak.ts'

export interface Options {
  readonly help: boolean
  readonly quick: boolean
  readonly json: boolean
  readonly check: boolean
  readonly rounds: number
  readonly minutes: number
  readonly load: Load
  readonly only: string | undefined
  /** Path of this checkout's `bin/agent`, and of another one that is measured alternately with it. */
  readonly agent: string
  readonly against: string | undefined
  /** Paths of the peers' executables, by key in `peers`. */
  readonly programs: ReadonlyMap<string, string>
}

export const usage = `npm run bench -- [options]

  --quick               run only the main workloads, on a small backlog: under a minute
  --check               fail if a ratio is outside its bound in bench/bounds.json
  --json                print JSON instead of tables
  --rounds NUMBER       runs of each workload (default: 5; with --quick: 3)
  --only SECTION        run one section: shipping, lines, files, backlog, idle, latency, probe, soak
  --minutes NUMBER      duration of the soak (default: 5)
  --full-speed          soak: write as fast as the agent ships, instead of 10 MB/s
  --against PATH        also measure another checkout's bin/agent, alternately with this one
  --peer-NAME PATH      also measure another log agent: ${Object.keys(peers).join(', ')}
  -h, --help            show this
`

/** Throws an error whose message is meant for the user. */
export function parseOptions(argv: readonly string[]): Options {
  const peerOptions = Object.fromEntries(
    Object.keys(peers).map((name) => [`peer-${name}`, { type: 'string' as const }]),
  )
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...peerOptions,
      help: { type: 'boolean', short: 'h', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      minutes: { type: 'string', default: '5' },
      'full-speed': { type: 'boolean', default: false },
      only: { type: 'string' },
      against: { type: 'string' },
    },
  })
  const given: Readonly<Record<string, string | boolean | undefined>> = values
  const rounds = positive('rounds', values.rounds ?? (values.quick ? '3' : '5'))
  const minutes = positive('minutes', values.minutes)
  const programs = Object.keys(peers).map((name) => [name, given[`peer-${name}`]] as const)
  return {
    help: values.help,
    quick: values.quick,
    json: values.json,
    check: values.check,
    rounds,
    minutes,
    load: values['full-speed'] ? 'full' : 'steady',
    only: values.only,
    agent: ownAgent,
    against: values.against,
    programs: new Map(programs.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
  }
}

function positive(name: string, value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} cannot be "${value}"`)
  return number
}
