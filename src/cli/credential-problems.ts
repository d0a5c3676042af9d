import type { SecretRef } from '../config/config.ts'
import type { Problem } from '../config/problem.ts'
import { inspectTls } from '../ship/http/tls-files.ts'
import { openSecret } from '../ship/secret.ts'
import type { Credentials, FoundCredentials } from './credentials.ts'

/**
 * Returns problems with the keys, tokens, certificates and kubeconfigs as they are now. They do not keep an agent from
 * starting, because the files may change.
 */
export async function credentialProblems(found: readonly FoundCredentials[]): Promise<readonly Problem[]> {
  const all = await Promise.all(
    found.map(async ({ credentials, problems }) => [
      ...problems,
      ...(credentials ? await problemsOf(credentials) : []),
    ]),
  )
  return all.flat()
}

/** The messages name the files, but never quote them. */
async function problemsOf(credentials: Credentials): Promise<readonly Problem[]> {
  const { tls, secret, keys, absenceIsReported } = credentials
  const { faults } = await inspectTls(tls)
  const ofTls = faults.map((fault) =>
    fault.kind === 'mismatch'
      ? { part: 'key' as const, what: `does not belong to \`${keys.cert}\`` }
      : { part: fault.part, what: fault.what },
  )
  const ofSecret = secret && (await faultOf(secret))
  const all = [...ofTls, ...(ofSecret === undefined ? [] : [{ part: 'secret' as const, what: ofSecret }])]
  return all.flatMap(({ part, what }) => {
    const source = part === 'secret' ? secret : tls[part]
    const name = source?.kind === 'file' ? `${source.path} ` : ''
    if (!what.endsWith('(ENOENT)')) return [credentials.warningAt(part, `${name}${what}`, remedyOf(what))]
    return absenceIsReported ? [] : [credentials.warningAt(part, `${name}does not exist yet: deliveries wait for it`)]
  })
}

async function faultOf(secret: SecretRef): Promise<string | undefined> {
  const state = await openSecret(secret, { recheckMs: 0, now: () => 0 }).current()
  if (state.kind === 'secret') return undefined
  const name = secret.kind === 'file' ? `${secret.path}: ` : ''
  return state.reason.startsWith(name) ? state.reason.slice(name.length) : state.reason
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [/\(EISDIR\)$/, 'it is a directory: name the file in it'],
  [/\((?:EACCES|EPERM)\)$/, 'let the user the agent runs as read it'],
  [/^cannot be read/, 'name a plain file'],
  [/^is empty$/, 'write the secret into it: no restart is needed'],
  [/^is not one word/, 'it must contain the secret and nothing else, on one line'],
  [/^contains no PEM block$/, 'it must contain a block that begins with -----BEGIN'],
  [/^does not belong/, 'give the key that the certificate was made with'],
]

const remedyOf = (what: string) => remedies.find(([pattern]) => pattern.test(what))?.[1]
