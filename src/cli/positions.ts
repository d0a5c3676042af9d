import { join } from 'node:path'
import { type GenerationRecord, parseRegistry } from '../checkpoint/registry.ts'
import { loadNewest } from '../checkpoint/state-files.ts'
import { diskFs } from '../checkpoint/store-fs.ts'
import { isObject } from '../json.ts'
import { bytes, table, timestamp } from '../observe/format.ts'
import { printable } from '../observe/line.ts'
import { REGISTRY_FILE } from '../run-path.ts'

/** What the registry on disk says, for when no agent is running. */
export type Positions = {
  /** The file that contains them. */
  readonly path: string
  /** What is wrong with the files an agent would prefer to resume from: one sentence each. */
  readonly unusable: readonly string[]
} & (
  | {
      readonly kind: 'positions'
      readonly writtenAt: string | undefined
      readonly generations: readonly GenerationRecord[]
      /** Entries that could not be understood. */
      readonly rejected: number
    }
  | { readonly kind: 'none' }
)

/** What an agent started now would resume from. */
export async function readPositions(runPath: string): Promise<Positions> {
  const {
    state,
    source,
    unusable: found,
  } = await loadNewest({
    fs: diskFs,
    dir: runPath,
    name: REGISTRY_FILE,
    retryPauseMs: 0,
  })
  const unusable = found.map(({ file, problem }) => `${file} ${problem}`)
  if (source === undefined) return { kind: 'none', path: join(runPath, REGISTRY_FILE), unusable }
  const writtenAt = isObject(state) && typeof state.writtenAt === 'string' ? state.writtenAt : undefined
  return { kind: 'positions', path: join(runPath, source), unusable, writtenAt, ...parseRegistry(state) }
}

export function renderPositions(positions: Positions, nowMs: number): string {
  const path = printable(positions.path)
  const { unusable } = positions
  if (positions.kind === 'none') {
    if (unusable.some(isDenied)) return `The positions on disk cannot be read: permission denied: ${path}\n`
    if (unusable.length === 0) return `No positions on disk: there is no ${path}\n`
    return [
      `No usable positions on disk: ${unusable.join(', ')}`,
      '  An agent started now begins as at its first start, and sends again what is there.',
      `  Try: if you have a copy, put it at ${path} before you start one; these files are kept as ${REGISTRY_FILE}.corrupt-N`,
      '',
    ].join('\n')
  }
  const { writtenAt, generations, rejected } = positions
  const rows = generations.flatMap(({ lastPath, size, finished, positions: byDestination }) =>
    Object.entries(byDestination).map(([destination, { offset }]) => [
      finished ? 'finished' : 'open',
      bytes(size),
      printable(destination),
      bytes(offset),
      bytes(Math.max(0, size - offset)),
      printable(lastPath),
    ]),
  )
  return [
    `Positions on disk: ${path}${writtenAt === undefined ? '' : `, written ${timestamp(writtenAt, nowMs)}`}`,
    ...unusable.map((sentence) => `  WARN ${sentence}: an agent started now resumes from the file above`),
    ...(rejected > 0 ? [`  WARN ${rejected} ${rejected === 1 ? 'entry' : 'entries'} left out: not understood`] : []),
    ...(rows.length === 0
      ? ['  none']
      : table([['STATE', 'SIZE SEEN', 'DESTINATION', 'POSITION', 'LEFT', 'FILE'], ...rows]).map((line) => `  ${line}`)),
    '',
  ].join('\n')
}

/** The same as JSON, for programs. */
export function describePositions(positions: Positions): unknown {
  const { path, unusable } = positions
  if (positions.kind === 'none') {
    return { path, problem: unusable.length === 0 ? 'there is none' : unusable.join(', '), unusable }
  }
  const { writtenAt, rejected } = positions
  const generations = positions.generations.map((generation) => ({
    id: generation.id,
    path: generation.path,
    lastPath: generation.lastPath,
    sizeBytes: generation.size,
    finished: generation.finished,
    positions: Object.entries(generation.positions).map(([destination, { offset }]) => ({
      destination,
      position: offset,
    })),
  }))
  return { path, unusable, writtenAt, rejected, generations }
}

/** Whether permission was denied to the caller, which says nothing about the agent. */
const isDenied = (sentence: string) => /\((?:EACCES|EPERM)\)$/.test(sentence)
