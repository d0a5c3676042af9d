import { renderCheck } from '../observe/render.ts'
import { agentSocketPath } from '../observe/socket-path.ts'
import type { Check, Status } from '../observe/status.ts'
import { askAgent } from './agent-socket.ts'
import type { Arguments } from './arguments.ts'
import { writeColored } from './color.ts'
import { type ExitCode, exitCode, type Io } from './io.ts'
import { type RunPath, runPathOf } from './run-path.ts'
import { askStatus } from './status-view.ts'
import { explainUnreachable } from './unreachable.ts'

export type CheckName = keyof Status['health']
export const checkNames: readonly CheckName[] = ['live', 'ready', 'startup']

const timeoutMs = 3000

/** `agent status --check=…`: one line, for a probe. An agent that listens and does not answer is not alive. */
export async function reportCheck(name: CheckName, runPath: RunPath, io: Io): Promise<ExitCode> {
  const reply = await askAgent(agentSocketPath(runPath.path), `/${name}`, timeoutMs)
  if (reply.kind !== 'answer') {
    const { reason, exitCode: code } = explainUnreachable(reply, runPath)
    writeColored(io.stdout, `FAIL  ${name}: ${reason}\n`)
    return reply.kind === 'silent' ? exitCode.unhealthy : code
  }
  const check = parseCheck(reply.body) ?? {
    ok: false,
    reasons: [`an answer this program does not know (HTTP ${reply.code})`],
  }
  return report([[name, check]], io)
}

/** `agent health`: every check. */
export async function health(args: Arguments, io: Io): Promise<ExitCode> {
  const runPath = await runPathOf(args, io)
  if (runPath === undefined) return exitCode.configuration
  const asked = await askStatus(runPath.path)
  if (asked.kind === 'status')
    return report(
      checkNames.map((name) => [name, asked.status.health[name]]),
      io,
    )
  const { reason, exitCode: code } = explainUnreachable(asked.reply, runPath)
  writeColored(io.stdout, `FAIL  ${reason}\n`)
  return code
}

function report(checks: readonly (readonly [CheckName, Check])[], io: Io): ExitCode {
  writeColored(io.stdout, checks.map(([name, check]) => `${renderCheck(name, check)}\n`).join(''))
  return checks.every(([, check]) => check.ok) ? exitCode.ok : exitCode.unhealthy
}

function parseCheck(body: string): Check | undefined {
  try {
    const check: Partial<Check> | null = JSON.parse(body)
    return typeof check?.ok === 'boolean' && Array.isArray(check.reasons)
      ? { ok: check.ok, reasons: check.reasons }
      : undefined
  } catch {
    return undefined
  }
}
