import type { DestinationConfig, SecretRef } from '../config/config.ts'
import { ConfDocument } from '../config/document.ts'
import { valueAt } from '../config/explain.ts'
import { dotted, type Path } from '../config/finding.ts'
import { type Origin, warningAt } from '../config/origin.ts'
import { type Problem, problemOf } from '../config/problem.ts'
import { tlsSpecOf } from '../ship/destinations/context.ts'
import { chooseContext } from '../ship/destinations/kube-context.ts'
import { type KubeEndpoint, parseKubeconfig } from '../ship/destinations/kubeconfig.ts'
import type { TlsPart, TlsSpec } from '../ship/http/tls-files.ts'
import { readSmallFile } from '../ship/small-file.ts'

type CredentialPart = TlsPart | 'secret'

/** What a destination authenticates with. */
export interface Credentials {
  readonly tls: TlsSpec
  readonly secret: SecretRef | undefined
  /** Whether missing files have already been reported with the configuration. */
  readonly absenceIsReported: boolean
  /** The configuration keys that name the files, or contain the values. */
  readonly keys: Readonly<Record<CredentialPart, string>>
  /** Returns a warning at the key of `part`; `what` follows the key's name. */
  warningAt(part: CredentialPart, what: string, hint?: string): Problem
}

export interface FoundCredentials {
  /** Undefined if the kubeconfig that names them is missing or unusable. */
  readonly credentials: Credentials | undefined
  /** Problems of that kubeconfig, without excerpts: they would quote secrets. */
  readonly problems: readonly Problem[]
}

/** Returns the credentials of all destinations. Those of a kubeconfig that several share are returned once. */
export async function credentialsOf(
  destinations: readonly DestinationConfig[],
  origins: readonly Origin[],
): Promise<readonly FoundCredentials[]> {
  const kubeconfigs = new Map<string, Promise<FoundCredentials>>()
  const plain: FoundCredentials[] = []
  for (const [index, destination] of destinations.entries()) {
    const origin = origins[index] ?? { document: undefined, path: [] }
    const kubeconfig = destination.type === 'webhook' ? destination.kubeconfig : undefined
    if (kubeconfig === undefined) plain.push({ credentials: ofConf(destination, origin), problems: [] })
    else if (!kubeconfigs.has(kubeconfig)) kubeconfigs.set(kubeconfig, ofKubeconfig(kubeconfig, origin))
  }
  return [...plain, ...(await Promise.all(kubeconfigs.values()))]
}

function ofConf(destination: DestinationConfig, origin: Origin): Credentials {
  const hasAlias = valueAt(origin.document?.value, [...origin.path, 'ca_file']) !== undefined
  const paths: Readonly<Record<CredentialPart, Path>> = {
    ca: hasAlias ? ['ca_file'] : ['tls', 'ca_file'],
    cert: ['tls', 'cert_file'],
    key: ['tls', 'key_file'],
    secret: [destination.type === 'datadog' ? 'api_key_file' : 'token_file'],
  }
  const { ca, cert, key, secret } = paths
  return {
    tls: tlsSpecOf(destination.tls),
    secret: destination.type === 'datadog' ? destination.apiKey : destination.token,
    absenceIsReported: true,
    keys: { ca: dotted(ca), cert: dotted(cert), key: dotted(key), secret: dotted(secret) },
    warningAt: (part, what, hint) =>
      warningAt(origin, { key: paths[part], message: `\`${dotted(paths[part])}\` ${what}`, hint }),
  }
}

async function ofKubeconfig(path: string, origin: Origin): Promise<FoundCredentials> {
  const file = await readSmallFile(path)
  if (file.kind === 'unreadable') {
    if (file.why === 'ENOENT') return { credentials: undefined, problems: [] }
    const message = `\`kubeconfig\` ${path} cannot be read (${file.why})`
    return {
      credentials: undefined,
      problems: [{ ...warningAt(origin, { key: ['kubeconfig'], message }), scope: 'fatal' }],
    }
  }
  const parsed = parseKubeconfig(file.text, path)
  if (parsed.kind === 'invalid') return { credentials: undefined, problems: parsed.problems }
  return { credentials: ofEndpoint(parsed.endpoint, file.text, path), problems: parsed.warnings }
}

function ofEndpoint({ tls, credential }: KubeEndpoint, text: string, path: string): Credentials {
  const entries = chooseContext(new ConfDocument(path, text), [])
  const keyOf = (key: string, part: TlsPart) => (tls[part]?.kind === 'inline' ? `${key}-data` : key)
  const keys: Readonly<Record<CredentialPart, string>> = {
    ca: keyOf('certificate-authority', 'ca'),
    cert: keyOf('client-certificate', 'cert'),
    key: keyOf('client-key', 'key'),
    secret: 'tokenFile',
  }
  const tokenFile = credential.kind === 'bearer' ? credential.tokenFile : undefined
  return {
    tls,
    secret: tokenFile === undefined ? undefined : { kind: 'file', path: tokenFile },
    absenceIsReported: false,
    keys,
    warningAt(part, what, hint) {
      const entry = part === 'ca' ? entries?.cluster : entries?.user
      const problem = entry?.warning(keys[part], what, hint) ?? problemOf(path, what, { hint, scope: 'warning' })
      return { ...problem, excerpt: undefined }
    },
  }
}
