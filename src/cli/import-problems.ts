import { loadDatadogRegistry } from '../checkpoint/datadog-import.ts'
import { type Problem, problemOf } from '../config/problem.ts'

/** Returns problems with the registry from which positions are imported. Its absence is reported with the configuration. */
export function importProblems(path: string | undefined): readonly Problem[] {
  if (path === undefined) return []
  const imported = loadDatadogRegistry(path)
  if (imported.kind === 'unusable') {
    if (imported.reason.startsWith('ENOENT')) return []
    const message = `no position can be taken from it: ${imported.reason}`
    return [problemOf(path, message, { scope: 'warning', hint: 'name the registry.json of a Datadog Agent' })]
  }
  if (imported.rejected === 0) return []
  const message = `${imported.rejected} of its entries cannot be understood: those files are read as at a first start`
  return [problemOf(path, message, { scope: 'warning' })]
}
