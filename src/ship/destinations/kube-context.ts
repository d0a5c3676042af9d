import type { ConfDocument } from '../../config/document.ts'
import type { Path } from '../../config/finding.ts'
import type { Problem } from '../../config/problem.ts'
import { KubeEntry, membersOf } from './kube-entry.ts'

/** The cluster and the user of the current context; without one, those named "" are meant. */
export function chooseContext(document: ConfDocument, problems: Problem[]): { cluster: KubeEntry; user: KubeEntry } {
  const root = new KubeEntry(document, [], problems)
  const find = (list: string, name: string) => findNamed(document, { list, name, problems })
  const wanted = root.text('current-context') ?? ''
  const contextPath = find('contexts', wanted)
  if (contextPath === undefined && wanted !== '') {
    root.fault('current-context', 'names no entry of `contexts`', 'name one, or add it')
  }
  const context = new KubeEntry(document, [...(contextPath ?? ['contexts']), 'context'], problems)
  const entry = (key: 'cluster' | 'user', list: 'clusters' | 'users') => {
    const name = context.text(key) ?? ''
    const at = find(list, name)
    if (at === undefined && name !== '') context.fault(key, `names no entry of \`${list}\``, 'name one, or add it')
    return new KubeEntry(document, [...(at ?? [list]), key], problems)
  }
  return { cluster: entry('cluster', 'clusters'), user: entry('user', 'users') }
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
    entry.fault('name', `stands in \`${list}\` twice`, 'rename one of the two')
  }
  return first === undefined ? undefined : [list, first]
}
