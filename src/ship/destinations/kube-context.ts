import type { ConfDocument } from '../../config/document.ts'
import type { Path } from '../../config/finding.ts'
import type { Problem } from '../../config/problem.ts'
import { KubeEntry, membersOf } from './kube-entry.ts'

/**
 * Returns the cluster and user of the current context; if none is set, the entries named "". Undefined if a name refers to no
 * entry: any further problems would only follow from that.
 */
export function chooseContext(
  document: ConfDocument,
  problems: Problem[],
): { cluster: KubeEntry; user: KubeEntry } | undefined {
  const root = new KubeEntry(document, [], problems)
  const find = (list: string, name: string) => findNamed(document, { list, name, problems })
  const wanted = root.text('current-context') ?? ''
  const contextPath = find('contexts', wanted)
  const context = new KubeEntry(document, [...(contextPath ?? ['contexts']), 'context'], problems)
  const entry = (key: 'cluster' | 'user', list: 'clusters' | 'users') => {
    const name = context.text(key) ?? ''
    const at = find(list, name)
    if (at === undefined && name !== '') {
      context.fault(key, `names no entry of \`${list}\``, oneOf(document, list))
    }
    return { there: at !== undefined, entry: new KubeEntry(document, [...(at ?? [list]), key], problems) }
  }
  const [cluster, user] = [entry('cluster', 'clusters'), entry('user', 'users')]
  if (contextPath === undefined && wanted !== '') {
    root.fault('current-context', 'names no entry of `contexts`', oneOf(document, 'contexts'))
  } else if (contextPath === undefined && !cluster.there && namesIn(document, 'contexts').length > 0) {
    root.fault('current-context', 'is missing', oneOf(document, 'contexts'))
  }
  return problems.length > 0 ? undefined : { cluster: cluster.entry, user: user.entry }
}

const MAX_NAMES_SHOWN = 10

function oneOf(document: ConfDocument, list: string): string {
  const names = namesIn(document, list)
  if (names.length === 0) return `\`${list}\` has none: add it`
  return `name one of ${names.slice(0, MAX_NAMES_SHOWN).join(', ')}${names.length > MAX_NAMES_SHOWN ? ', …' : ''}, or add it`
}

/** Returns the names that are fit to be shown. */
function namesIn(document: ConfDocument, list: string): readonly string[] {
  const items = membersOf(document.value)[list]
  return (Array.isArray(items) ? items : [])
    .map((item) => membersOf(item).name)
    .filter((name): name is string => typeof name === 'string' && /^[\w.:@/-]{1,128}$/.test(name))
}

function findNamed(
  document: ConfDocument,
  { list, name, problems }: { list: string; name: string; problems: Problem[] },
): Path | undefined {
  const items = membersOf(document.value)[list]
  if (!Array.isArray(items)) return undefined
  const hits = items.flatMap((item, index) => ((membersOf(item).name ?? '') === name ? [index] : []))
  const [first, second] = hits
  if (second !== undefined) {
    const entry = new KubeEntry(document, [list, second], problems)
    entry.fault('name', `is used twice in \`${list}\``, 'rename one of the two')
  }
  return first === undefined ? undefined : [list, first]
}
