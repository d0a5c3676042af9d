import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DestinationType } from '../config/config.ts'
import type { Io } from '../io.ts'
import { agentSocketPath, REGISTRY_FILE } from '../run-path.ts'
import { type Agent, createAgent } from './agent.ts'
import type { AgentLogLine } from './agent-log.ts'
import { describeExit } from './child.ts'
import type { Cleanup } from './cleanup.ts'
import { demoConfig, intakePaths } from './demo-config.ts'
import { type Intake, startIntake } from './intake.ts'
import { createWriter, type Writer } from './writer.ts'

/** The participants of the demo; writer and agent are not started yet. */
export interface Participants {
  readonly writer: Writer
  readonly agent: Agent
  readonly intake: Intake
  readonly configPath: string
  /** The agent's socket. */
  readonly socketPath: string
}

export interface ParticipantsOptions {
  readonly seed: number
  readonly destination: DestinationType
  readonly eventsPerSecond: number
  readonly maxFileBytes: number
  /** The agent's main program. */
  readonly program: string
  readonly io: Io
  readonly cleanup: Cleanup
  readonly onRotation: (backup: string) => void
  readonly onLog: (line: AgentLogLine) => void
  /** A participant exited unexpectedly. */
  readonly onFailure: (problem: string) => void
}

export async function prepareParticipants(options: ParticipantsOptions): Promise<Participants> {
  const { io, cleanup, onFailure, destination, eventsPerSecond } = options
  const { directory } = cleanup
  const configPath = join(directory, 'conf.yaml')
  const apiKeyPath = join(directory, 'api-key')
  const runPath = join(directory, 'run')
  const auditLogPath = join(directory, 'log', 'audit.log')
  const apiKey = randomUUID()
  const intake = await startIntake({ apiKey, path: intakePaths[destination] })
  await mkdir(runPath)
  await writeFile(apiKeyPath, apiKey, { mode: 0o600 })
  const conf = { auditLogPath, runPath, destination, intakeUrl: intake.url, apiKey, apiKeyPath, eventsPerSecond }
  await writeFile(configPath, demoConfig(conf), { mode: 0o600 })
  const writer = createWriter({
    seed: options.seed,
    path: auditLogPath,
    maxSizeBytes: options.maxFileBytes,
    maxBackups: 0,
    eventsPerSecond,
    onStart: cleanup.watch,
    onRotation: options.onRotation,
    onFailure,
  })
  const agent = createAgent({
    nodePath: io.nodePath,
    program: options.program,
    configPath,
    registryPath: join(runPath, REGISTRY_FILE),
    env: io.env.PATH === undefined ? {} : { PATH: io.env.PATH },
    onStart: cleanup.watch,
    onLog: options.onLog,
    onFailure: (exit) => onFailure(`the agent exited unexpectedly (${describeExit(exit)})`),
  })
  return { writer, agent, intake, configPath, socketPath: agentSocketPath(runPath) }
}
