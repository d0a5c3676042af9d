import type { RejectedSource } from '../config/config.ts'
import type { FileStatus, SourceStatus } from '../observe/status.ts'
import type { SourceView } from '../tail/sources/source-view.ts'
import { describeGone, describeLineage } from './file-status.ts'

/** One item of `logs:` with the files it matches. */
export function describeSource(view: SourceView, nowMs: number): SourceStatus {
  const { source, lineages, gone, faults, warnings } = view
  const files = lineages.flatMap((lineage) => describeLineage(lineage, nowMs))
  const fault = faults[0]
  const state = sourceState(view, files, nowMs)
  return {
    integration: source.integration,
    type: 'file',
    path: source.path,
    service: source.labels.service,
    source: source.labels.source,
    state,
    error:
      state === 'pending'
        ? reasonToWait(view)
        : (fault?.message ?? files.find(({ error }) => error !== undefined)?.error),
    warnings,
    files: [...gone.map(describeGone), ...files],
  }
}

function sourceState({ faults, elsewhere }: SourceView, files: readonly FileStatus[], nowMs: number) {
  if (faults.length > 0 || files.some(({ state }) => state === 'error')) return 'error'
  // A source whose files are read for another source is not waiting for files.
  const isWaiting = files.length === 0 && elsewhere.every((lineage) => describeLineage(lineage, nowMs).length === 0)
  return isWaiting ? 'pending' : 'ok'
}

/** Names a missing directory: in a pod, a missing mount looks just like a silent writer. */
function reasonToWait({ missingDirectory }: SourceView): string | undefined {
  const missing = missingDirectory()
  return missing === undefined ? undefined : `${missing} (in a pod, is it mounted there?)`
}

/** An item that was rejected. */
export function describeRejected({ integration, path, error }: RejectedSource): SourceStatus {
  return {
    integration,
    type: 'file',
    path: path ?? '(no path)',
    service: undefined,
    source: undefined,
    state: 'error',
    error,
    warnings: [],
    files: [],
  }
}
