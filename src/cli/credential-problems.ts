import type { DestinationConfig, SecretRef } from '../config/config.ts'
import { type Problem, problemOf } from '../config/problem.ts'
import { tlsSpecOf } from '../ship/destinations/context.ts'
import { type KubeEndpoint, parseKubeconfig } from '../ship/destinations/kubeconfig.ts'
import { createTlsSource, type TlsSpec } from '../ship/http/tls-files.ts'
import { openSecret } from '../ship/secret.ts'
import { readSmallFile } from '../ship/small-file.ts'

/**
 * What is wrong with the keys, tokens, certificates and kubeconfigs that are there now. An agent starts with them all the
 * same, as they may change. Files of conf.yaml that are not there are told of with the configuration.
 */
export async function credentialProblems(destinations: readonly DestinationConfig[]): Promise<readonly Problem[]> {
  const kubeconfigs = new Set(destinations.flatMap((one) => kubeconfigOf(one) ?? []))
  const plain = destinations.filter((one) => kubeconfigOf(one) === undefined)
  const all = await Promise.all([...plain.map(problemsOf), ...[...kubeconfigs].map(problemsOfKubeconfig)])
  return all.flat()
}

function kubeconfigOf(destination: DestinationConfig): string | undefined {
  return destination.type === 'webhook' ? destination.kubeconfig : undefined
}

async function problemsOf(destination: DestinationConfig): Promise<readonly Problem[]> {
  const secret = destination.type === 'datadog' ? destination.apiKey : destination.token
  const reasons = await unusable({ tls: tlsSpecOf(destination.tls), secret })
  return warnings(
    `destination ${destination.name}`,
    reasons.filter((reason) => !reason.endsWith('(ENOENT)')),
  )
}

async function problemsOfKubeconfig(path: string): Promise<readonly Problem[]> {
  const file = await readSmallFile(path)
  if (file.kind === 'unreadable') return file.why === 'ENOENT' ? [] : [problemOf(path, `cannot be read (${file.why})`)]
  const parsed = parseKubeconfig(file.text, path)
  if (parsed.kind === 'invalid') return parsed.problems
  const { tls } = parsed.endpoint
  return [...parsed.warnings, ...warnings(path, await unusable({ tls, secret: tokenOf(parsed.endpoint) }))]
}

function tokenOf({ credential }: KubeEndpoint): SecretRef | undefined {
  if (credential.kind !== 'bearer' || credential.tokenFile === undefined) return undefined
  return { kind: 'file', path: credential.tokenFile }
}

/** Sentences that name the files, and nothing that is in them. */
async function unusable(proof: { tls: TlsSpec; secret: SecretRef | undefined }): Promise<readonly string[]> {
  const now = () => 0
  const tls = await createTlsSource(proof.tls, now).current()
  const secret = proof.secret && (await openSecret(proof.secret, { recheckMs: 0, now }).current())
  return [...(tls.kind === 'unusable' ? [tls.reason] : []), ...(secret?.kind === 'missing' ? [secret.reason] : [])]
}

function warnings(place: string, reasons: readonly string[]): readonly Problem[] {
  return reasons.map((reason) => problemOf(place, reason, { scope: 'warning' }))
}
