import * as z from 'zod/mini'
import { explain, valueAt } from './explain.ts'
import { dotted, type Finding, type Path, shortName } from './finding.ts'
import { suggestion } from './suggestion.ts'

export interface Checked<T> {
  /**
   * The value without its refused parts; undefined if nothing usable is left. If there are findings, use it only to find
   * further faults: nothing may run with it.
   */
  readonly value: T | undefined
  readonly findings: readonly Finding[]
}

interface Place {
  readonly base: Path
  readonly nameOf?: (path: Path) => string
  readonly isYaml?: boolean
}

/** Checks `value`, located at `base`, against a schema. */
export function check<S extends z.core.$ZodType>(schema: S, value: unknown, place: Place): Checked<z.output<S>> {
  const first = z.safeParse(schema, value)
  if (first.success) return { value: first.data, findings: [] }
  const { base, nameOf = shortName, isYaml = true } = place
  const findings = firstOfEachValue(first.error.issues).flatMap((issue) =>
    explain(issue, { value, base, nameOf, isYaml }),
  )
  const less = without(value, first.error.issues)
  const second = z.safeParse(schema, less)
  const told = findings.filter((finding) => !isMisspelt(finding, findings))
  if (second.success) return { value: second.data, findings: told }
  // Something is still missing, perhaps because of what was removed: drop the top-level keys concerned.
  const whole = second.error.issues.map((issue) => ({ ...issue, path: issue.path.slice(0, 1) }))
  const third = z.safeParse(schema, without(less, whole))
  return { value: third.success ? third.data : undefined, findings: told }
}

/** Keeps the first issue of each value. Skips the schema library's bound of all integers: the key's own is narrower. */
function firstOfEachValue(issues: readonly z.core.$ZodIssue[]): readonly z.core.$ZodIssue[] {
  const seen = new Set<string>()
  return issues
    .filter((issue) => issue.code !== 'too_big' || issue.maximum !== Number.MAX_SAFE_INTEGER)
    .filter((issue) => issue.code === 'unrecognized_keys' || seen.size < seen.add(dotted(issue.path)).size)
}

/** Whether the finding is about a missing key that is present under a similar name. */
function isMisspelt({ at, path }: Finding, findings: readonly Finding[]): boolean {
  const parent = dotted(path.slice(0, -1))
  const beside = findings.filter((other) => other.at === 'key' && dotted(other.path.slice(0, -1)) === parent)
  return at === 'absent' && beside.some((other) => suggestion(String(other.path.at(-1)), [String(path.at(-1))]))
}

/** Returns a copy without the values that the issues concern. Removes a list with a bad item as a whole. */
function without(value: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const copy = structuredClone(value)
  for (const issue of issues) {
    const keys = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path]
    for (const path of keys) remove(copy, path.slice(0, path.findLastIndex((step) => typeof step === 'string') + 1))
  }
  return copy
}

function remove(root: unknown, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1))
  const key = path.at(-1)
  if (typeof parent === 'object' && parent !== null && key !== undefined) Reflect.deleteProperty(parent, key)
}
