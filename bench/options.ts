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
  /** The executable `agent` of this checkout, and of another one to be measured in turn with it. */
  readonly agent: string
  readonly against: string | undefined
  /** Programs of peers, by their key in `peers`. */
  readonly programs: ReadonlyMap<string, string>
}

export const usage = `npm run bench -- [options]

  --quick               under a minute: the main workloads on a small backlog
  --check               fail when a ratio of this run is outside the bounds of bench/bounds.json
  --json                figures for programs
  --rounds NUMBER       how often each workload is run (default: 5; quick: 3)
  --only SECTION        one section: shipping, lines, files, backlog, idle, latency, probe, soak
  --minutes NUMBER      how long the soak takes (default: 5)
  --full-speed          the soak writes as fast as the agent ships, instead of 10 MB/s
  --against PATH        measure another checkout's bin/agent in turn with this one
  --peer-NAME PATH      measure another agent in turn: ${Object.keys(peers).join(', ')}
  -h, --help            show this
`

/** Throws with a sentence for the user. */
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
