import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GenerationRecord, parseRegistry } from '../checkpoint/registry.ts'
import { isObject } from '../json-object.ts'
import { bytes, moment, table } from '../observe/format.ts'
import { printable } from '../observe/line.ts'

/** What the registry on disk says, for when no agent runs to be asked. */
export type Positions =
  | {
      readonly kind: 'positions'
      readonly path: string
      readonly writtenAt: string | undefined
      readonly generations: readonly GenerationRecord[]
      /** Entries that made no sense. */
      readonly rejected: number
    }
  | { readonly kind: 'none'; readonly path: string; readonly problem: string }

/** Reads the state without judging it: version and checksum are for the agent that goes on from it. */
export async function readPositions(runPath: string): Promise<Positions> {
  const path = join(runPath, 'registry.json')
  try {
    const file: unknown = JSON.parse(await readFile(path, 'utf8'))
    const state: unknown = isObject(file) ? file.state : undefined
    const writtenAt = isObject(state) && typeof state.writtenAt === 'string' ? state.writtenAt : undefined
    return { kind: 'positions', path, writtenAt, ...parseRegistry(state) }
  } catch (error) {
    return { kind: 'none', path, problem: problemOf(error) }
  }
}

export function renderPositions(positions: Positions, nowMs: number): string {
  const path = printable(positions.path)
  if (positions.kind === 'none') return `No positions on disk: ${path}: ${positions.problem}\n`
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
    `Positions on disk: ${path}${writtenAt === undefined ? '' : `, written ${moment(writtenAt, nowMs)}`}`,
    ...(rejected > 0 ? [`  WARN entries that make no sense and are left out: ${rejected}`] : []),
    ...(rows.length === 0
      ? ['  none']
      : table([['STATE', 'SIZE SEEN', 'DESTINATION', 'POSITION', 'LEFT', 'FILE'], ...rows]).map((line) => `  ${line}`)),
    '',
  ].join('\n')
}

/** The same for programs. */
export function describePositions(positions: Positions): unknown {
  if (positions.kind === 'none') return { path: positions.path, problem: positions.problem }
  const { path, writtenAt, rejected } = positions
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
  return { path, writtenAt, rejected, generations }
}

function problemOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'it is damaged (the agent keeps a previous one to go on from)'
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is none'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  return error instanceof Error ? error.message : String(error)
}
