import { humanBytes } from '../observe/format.ts'
import { count, countOf, seconds } from './format.ts'
import type { Colors } from './panel.ts'
import type { Scorecard } from './scorecard.ts'

type Row = readonly [label: string, figure: string, remark?: string]

/** The score card for people. */
export function scorecardLines(card: Scorecard, colors: Colors): string[] {
  const rule = colors.dim('─'.repeat(78))
  const verdict =
    card.verdict === 'PASS'
      ? `${colors.bold(colors.green('PASS'))}  Every event that was written has arrived, byte for byte.`
      : `${colors.bold(colors.red('FAIL'))}  ${card.failures.join('; ')}.`
  const rows = [...proofRows(card), ...costRows(card)]
  return [
    '',
    rule,
    `  ${verdict}`,
    '',
    ...rows.map(([label, figure, remark]) =>
      `  ${colors.dim(label.padEnd(14))}${figure.padStart(9)}${remark ? `  ${remark}` : ''}`.trimEnd(),
    ),
    rule,
  ]
}

function proofRows(card: Scorecard): Row[] {
  const { duplicates, torn } = card
  const reasons: readonly Row[] = [
    ['', count(duplicates.afterKill), 'in flight or not yet checkpointed at the kill -9'],
    ['', count(duplicates.afterLostReply), 'batch sent again after its reply was lost'],
    ['', count(duplicates.afterCutConnection), 'batch sent again after its connection was cut'],
    ['', count(duplicates.unexplained), 'UNEXPLAINED'],
  ]
  return [
    ['written', count(card.written.events), `events, ${humanBytes(card.written.bytes)}`],
    [
      'delivered',
      count(card.delivered.events),
      `events, ${humanBytes(card.delivered.bytes)}, matched by auditID and stage`,
    ],
    ['missing', count(card.missing)],
    ['corrupted', count(card.corrupted + card.unknown), 'CRC-32 of every line, by the writer and by the intake'],
    ['duplicates', count(duplicates.total), duplicates.total === 0 ? '' : explained(duplicates.unexplained)],
    ...reasons.filter(([, figure]) => figure !== '0'),
    ['torn', count(torn.events), tornRemark(card)],
  ]
}

function explained(unexplained: number): string {
  return unexplained === 0 ? 'all allowed by at-least-once delivery:' : 'of which'
}

function tornRemark({ torn, agent }: Scorecard): string {
  if (torn.events === 0) return ''
  const kept = agent.deadLetteredRecords > 0 ? `, ${countOf(agent.deadLetteredRecords, 'fragment')} dead-lettered` : ''
  const sent = torn.fragmentsReceived > 0 ? `, ${countOf(torn.fragmentsReceived, 'fragment')} delivered as is` : ''
  return `never completed by its writer${kept}${sent}`
}

function costRows(card: Scorecard): Row[] {
  const { highestLag, throughput, batches } = card
  return [
    ['rotations', count(card.rotations)],
    [
      'batches',
      count(batches.accepted),
      `accepted; ${countOf(batches.throttled, 'request')} answered with 429; ${countOf(card.retries, 'retry', 'retries')}`,
    ],
    ['highest lag', seconds(highestLag.ms), `${count(highestLag.events)} events, ${humanBytes(highestLag.bytes)}`],
    ['peak memory', humanBytes(card.peakMemoryBytes)],
    [
      'throughput',
      `${Math.round(throughput.eventsPerSecond)}/s`,
      `events, ${humanBytes(Math.round(throughput.bytesPerSecond))}/s`,
    ],
    [
      'agent',
      `${card.agent.kills} killed`,
      `at the end: exit code ${card.agent.exitCode ?? 'none, ended by a signal'}`,
    ],
  ]
}
