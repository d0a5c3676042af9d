import * as z from 'zod/mini'
import type { Environment } from '../io.ts'
import { isObject } from '../json.ts'
import { check } from './check.ts'
import { dotted, type Finding, type Path } from './finding.ts'
import { type Problem, problemOf } from './problem.ts'
import {
  checkpointSchema,
  confSchema,
  datadogSchema,
  deliverySchema,
  proxySchema,
  ruleSchema,
  serverSchema,
} from './schema.ts'
import { idleVariables, variables } from './variables.ts'

/** The settings from the environment, under conf.yaml's keys. */
export interface EnvironmentConf extends z.output<typeof environmentSchema> {}

const { hostname, log_level, open_files_limit, tags } = confSchema.shape
const environmentSchema = z.object({
  enabled: z.optional(z.boolean()),
  no_ssl: z.optional(z.boolean()),
  hostname,
  log_level,
  open_files_limit,
  tags,
  checkpoint: z.optional(z.pick(checkpointSchema, { run_path: true })),
  server: z.optional(z.pick(serverSchema, { socket: true })),
  delivery: z.optional(deliverySchema),
  datadog: z.optional(
    z.pick(datadogSchema, { api_key: true, compression: true, compression_level: true, site: true, url: true }),
  ),
  proxy: z.optional(proxySchema),
  log_processing_rules: z.optional(z.array(ruleSchema)),
})

export interface EnvironmentRead {
  readonly conf: EnvironmentConf
  readonly problems: readonly Problem[]
  /** Paths of values that are set but unusable. */
  readonly refused: readonly Path[]
  /** Turns a finding about the environment into a problem. */
  problem(finding: Finding): Problem
}

export function readEnvironment(env: Environment): EnvironmentRead {
  const raw: Record<string, unknown> = {}
  const names = new Map<string, string>()
  for (const [name, path, read] of variables) {
    const value = env[name]?.trim()
    if (value === undefined || value === '' || names.has(dotted(path))) continue
    names.set(dotted(path), name)
    put(raw, path, read(value, env))
  }
  const nameOf = (path: Path): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const name = names.get(dotted(path.slice(0, length)))
      if (name !== undefined) return dotted([name, ...path.slice(length)])
    }
    return 'the environment'
  }
  const problem = ({ path, message, hint, severity }: Finding): Problem => {
    const key = nameOf(path)
    return problemOf('environment', message.includes(key) ? message : `${key}: ${message}`, {
      key,
      hint,
      scope: severity === 'warning' ? 'warning' : 'fatal',
    })
  }
  const { value, findings } = check(environmentSchema, raw, { base: [], nameOf, isYaml: false })
  return {
    conf: value ?? {},
    problems: [
      ...findings.map((finding) => problem(isBrokenJson(finding, raw) ? brokenJson(finding, nameOf) : finding)),
      ...idleVariables(env),
    ],
    refused: findings.map(({ path }) => path),
    problem,
  }
}

/** Whether the finding is about rules that are not JSON: only those are still text. */
function isBrokenJson({ path }: Finding, { log_processing_rules: rules }: Readonly<Record<string, unknown>>): boolean {
  return path[0] === 'log_processing_rules' && typeof rules === 'string'
}

function brokenJson(finding: Finding, nameOf: (path: Path) => string): Finding {
  const hint = 'write a list of rules, as in [{"type": "exclude_at_match", "name": "a", "pattern": "b"}]'
  return { ...finding, message: `\`${nameOf(finding.path)}\` is not JSON`, hint }
}

function put(root: Record<string, unknown>, [first = '', second]: readonly string[], value: unknown): void {
  const section = root[first]
  root[first] = second === undefined ? value : { ...(isObject(section) && section), [second]: value }
}
