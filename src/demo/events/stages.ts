import { type Actor, uuid } from './actors.ts'
import type { Body } from './objects.ts'
import type { Random } from './random.ts'
import { compileTemplate, goJson, slot, type Template } from './template.ts'

type Level = 'Metadata' | 'Request' | 'RequestResponse'
export type Stage = 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete'

/** The values of one request for the fields of its events. */
export interface Exchange {
  readonly level: Level
  readonly verb: string
  readonly uri: string
  readonly actor: Actor
  readonly objectRef?: Readonly<Record<string, string>>
  readonly impersonates?: string
  readonly response: Readonly<Record<string, unknown>>
  readonly requestObject?: Body
  readonly responseObject?: Body
}

/** The line of a request's event at a stage, newline included. */
export function eventTemplate(exchange: Exchange, stage: Stage, random: Random): Template {
  return compileTemplate(`${goJson(roomy(auditEvent(exchange, stage), random))}\n`)
}

/** Fields in the order in which kube-apiserver serialises them; absent ones are omitted, as with `omitempty`. */
function auditEvent(exchange: Exchange, stage: Stage) {
  const received = stage === 'RequestReceived'
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: exchange.level,
    auditID: slot('auditId'),
    stage,
    requestURI: exchange.uri,
    verb: exchange.verb,
    user: exchange.actor.user,
    impersonatedUser: exchange.impersonates && { username: exchange.impersonates, groups: ['system:authenticated'] },
    sourceIPs: exchange.actor.sourceIPs,
    userAgent: exchange.actor.userAgent,
    objectRef: exchange.objectRef,
    responseStatus: received ? undefined : exchange.response,
    requestObject: received ? undefined : exchange.requestObject,
    responseObject: stage === 'ResponseComplete' ? exchange.responseObject : undefined,
    requestReceivedTimestamp: slot('receivedAt'),
    stageTimestamp: slot('stageAt'),
    annotations: received ? undefined : annotations(exchange),
  }
}

function annotations(exchange: Exchange): Record<string, string> {
  const denied = exchange.response.code === 403
  return {
    'authorization.k8s.io/decision': denied ? 'forbid' : 'allow',
    'authorization.k8s.io/reason': denied ? '' : exchange.actor.reason,
  }
}

type AuditEvent = ReturnType<typeof auditEvent>

/** Pads a small event with a session id in its user's `extra`, so that every line is at least 1 KiB long. */
function roomy(event: AuditEvent, random: Random): AuditEvent {
  const gapsBytes = 190
  const missing = 1024 - gapsBytes - Buffer.byteLength(goJson(event).replace(/\uE000\w+\uE001/g, ''))
  if (missing <= 0) return event
  const { user } = event
  const session = `${uuid(random)}.${random.hex(missing)}`
  return { ...event, user: { ...user, extra: { ...user.extra, 'sessions.example.com/id': [session] } } }
}
