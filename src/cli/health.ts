import { type ExitCode, exitCode, type Io } from '../io.ts'
import { parseJsonObject } from '../json.ts'
import { askAgent, unknownAnswer } from '../observe/agent-socket.ts'
import { checkLine } from '../observe/line.ts'
import type { Check, Status } from '../observe/status.ts'
import type { Arguments } from './arguments.ts'
import { writeColored } from './color.ts'
import { type RunPath, runPathOf } from './find-run-path.ts'

export type CheckName = keyof Status['health']
export const checkNames: readonly CheckName[] = ['live', 'ready', 'startup']

/** `agent health`: runs every check, but stops when the agent cannot be reached. */
export async function health(args: Arguments, io: Io): Promise<ExitCode> {
  const runPath = await runPathOf(args, io)
  if (runPath === undefined) return exitCode.configuration
  let worst: ExitCode = exitCode.ok
  for (const name of checkNames) {
    const code = await reportCheck(name, runPath, io)
    if (code > worst) worst = code
    if (code > exitCode.unhealthy) break
  }
  return worst
}

/** Prints one line for a probe. An agent that listens but does not answer is unhealthy; one that is not there is unreachable. */
export async function reportCheck(name: CheckName, runPath: RunPath, io: Io): Promise<ExitCode> {
  const { check, code } = await askCheck(name, runPath)
  writeColored(io.stdout, `${checkLine(name, check)}\n`)
  return code
}

async function askCheck(
  name: CheckName,
  runPath: RunPath,
): Promise<{ readonly check: Check; readonly code: ExitCode }> {
  const reply = await askAgent(runPath.socket, `/${name}`)
  if (reply.kind !== 'answer') {
    const { explainUnreachable } = await import('./unreachable.ts')
    const { reason, exitCode: code } = explainUnreachable(reply, runPath)
    return { check: { ok: false, reasons: [reason] }, code: reply.kind === 'silent' ? exitCode.unhealthy : code }
  }
  const check = parseCheck(reply.body)
  if (check !== undefined) return { check, code: check.ok ? exitCode.ok : exitCode.unhealthy }
  return { check: { ok: false, reasons: [unknownAnswer(reply.code)] }, code: exitCode.unavailable }
}

function parseCheck(body: string): Check | undefined {
  const { ok, reasons } = parseJsonObject(body) ?? {}
  return typeof ok === 'boolean' && Array.isArray(reasons) ? { ok, reasons } : undefined
}
