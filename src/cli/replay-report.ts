import { printable } from '../observe/line.ts'
import { listOf, type Reasons, totalOf } from './reasons.ts'
import type { Replay } from './replay-one.ts'
import type { Survey } from './replay-survey.ts'

const damaged = 'damaged, or of a format this agent does not know'

export function renderReplay(replay: Replay): string {
  const { destination, delivered, kept, unreadable, unreachable, fault, interrupted } = replay
  const stays = totalOf(kept) + unreadable
  const isEmpty = delivered + stays === 0 && unreachable === undefined && fault === undefined && !interrupted
  if (isEmpty) return nothing(destination)
  return textOf([
    `${destination}: ${delivered} delivered and removed${stays === 0 ? '' : `, ${stays} kept`}`,
    ...rowsOf(kept, unreadable, 'kept: '),
    ...(unreachable === undefined ? [] : [`  not reachable, the rest was not tried: ${printable(unreachable)}`]),
    ...(fault === undefined ? [] : [`  stopped: ${printable(fault.message)}`]),
    ...(interrupted ? ['  interrupted, the rest was not tried'] : []),
  ])
}

export function renderSurvey({ destination, sendable, kept, unreadable, fault }: Survey): string {
  const stays = totalOf(kept) + unreadable
  if (totalOf(sendable) + stays === 0 && fault === undefined) return nothing(destination)
  return textOf([
    `${destination}: ${totalOf(sendable)} would be sent again${stays === 0 ? '' : `, ${stays} cannot be`}`,
    ...rowsOf(sendable, 0, ''),
    ...rowsOf(kept, unreadable, 'cannot be sent: '),
    ...(fault === undefined ? [] : [`  stopped: ${printable(fault.message)}`]),
  ])
}

/** A versioned contract: fields are added, never renamed or removed, within a version. */
export function replaysJson(replays: readonly Replay[]): string {
  const destinations = replays.map(({ kept, fault, ...replay }) => ({
    ...replay,
    kept: listOf(kept),
    fault: fault?.message,
  }))
  return jsonOf({ dryRun: false, destinations })
}

/** The same contract, with `sendable` in place of `delivered`. */
export function surveysJson(surveys: readonly Survey[]): string {
  const destinations = surveys.map(({ sendable, kept, fault, ...survey }) => ({
    ...survey,
    sendable: listOf(sendable),
    kept: listOf(kept),
    fault: fault?.message,
  }))
  return jsonOf({ dryRun: true, destinations })
}

function jsonOf(report: { readonly dryRun: boolean; readonly destinations: readonly object[] }): string {
  return `${JSON.stringify({ schema: 'tailship.replay/v1', ...report }, undefined, 2)}\n`
}

function rowsOf(reasons: Reasons, unreadable: number, before: string): string[] {
  const rows = [...listOf(reasons), ...(unreadable === 0 ? [] : [{ reason: damaged, records: unreadable }])]
  return rows.map(({ reason, records }) => `  ${String(records).padStart(8)}  ${before}${printable(reason)}`)
}

function nothing(destination: string): string {
  return textOf([`${destination}: no dead letters`])
}

function textOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
