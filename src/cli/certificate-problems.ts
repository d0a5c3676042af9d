import type { DestinationConfig } from '../config/config.ts'
import { type Problem, problemOf } from '../config/problem.ts'
import { tlsSpecOf } from '../ship/destinations/context.ts'
import { parseKubeconfig } from '../ship/destinations/kubeconfig.ts'
import type { Pem, TlsSpec } from '../ship/http/tls-files.ts'
import { readSmallFile } from '../ship/small-file.ts'

const dayMs = 86_400_000
const soonMs = 14 * dayMs

/** Warnings of client certificates and authorities that are not valid now, or not for long. What cannot be read is not told of here. */
export async function certificateProblems(
  destinations: readonly DestinationConfig[],
  nowMs: number,
): Promise<readonly Problem[]> {
  const found = await Promise.all(destinations.map((destination) => problemsOf(destination, nowMs)))
  const bySentence = new Map(found.flat().map((problem) => [problem.file + problem.message, problem]))
  return [...bySentence.values()]
}

async function problemsOf(destination: DestinationConfig, nowMs: number): Promise<readonly Problem[]> {
  const { cert, ca } = await tlsOf(destination)
  const problems = await Promise.all([
    // Behind it may stand those that signed it.
    problemOfPem('client certificate', cert, { place: placeOf(destination), nowMs, choose: ([first]) => first }),
    // While an authority is replaced both stand in one file.
    problemOfPem('certificate authority', ca, { place: placeOf(destination), nowMs, choose: lastToExpire }),
  ])
  return problems.flatMap((problem) => problem ?? [])
}

async function tlsOf(destination: DestinationConfig): Promise<Pick<TlsSpec, 'cert' | 'ca'>> {
  const kubeconfig = kubeconfigOf(destination)
  if (kubeconfig === undefined) return tlsSpecOf(destination.tls)
  const file = await readSmallFile(kubeconfig)
  const parsed = file.kind === 'text' ? parseKubeconfig(file.text, kubeconfig) : undefined
  return parsed?.kind === 'endpoint' ? parsed.endpoint.tls : { cert: undefined, ca: undefined }
}

const kubeconfigOf = (destination: DestinationConfig) =>
  destination.type === 'webhook' ? destination.kubeconfig : undefined

const placeOf = (destination: DestinationConfig) => kubeconfigOf(destination) ?? `destination ${destination.name}`

interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

interface Look {
  /** What the certificate belongs to. */
  readonly place: string
  readonly nowMs: number
  readonly choose: (all: readonly Validity[]) => Validity | undefined
}

async function problemOfPem(
  what: string,
  pem: Pem | undefined,
  { place, nowMs, choose }: Look,
): Promise<Problem | undefined> {
  if (pem === undefined) return undefined
  const file = pem.kind === 'file' ? await readSmallFile(pem.path) : undefined
  const text = pem.kind === 'inline' ? pem.pem : file?.kind === 'text' ? file.text : ''
  const chosen = choose(await validitiesIn(text))
  const fault = chosen && faultOf(chosen, nowMs)
  if (fault === undefined) return undefined
  const name = pem.kind === 'file' ? `the ${what} ${pem.path}` : `the ${what}`
  return problemOf(place, `${name} ${fault}`, {
    scope: 'warning',
    hint: pem.kind === 'file' ? 'renew it: a new file is taken up without a restart' : 'renew it',
  })
}

function faultOf({ fromMs, toMs }: Validity, nowMs: number): string | undefined {
  if (toMs <= nowMs) return `expired at ${iso(toMs)}`
  if (fromMs > nowMs) return `is not valid before ${iso(fromMs)}`
  return toMs - nowMs < soonMs ? `expires soon, at ${iso(toMs)}` : undefined
}

const iso = (ms: number) => new Date(ms).toISOString()

const lastToExpire = (all: readonly Validity[]) => all.toSorted((a, b) => b.toMs - a.toMs)[0]

async function validitiesIn(text: string): Promise<readonly Validity[]> {
  const blocks = text.match(/-----BEGIN ((?:TRUSTED )?CERTIFICATE)-----.*?-----END \1-----/gs) ?? []
  if (blocks.length === 0) return []
  // Only who has a certificate pays for it.
  const { X509Certificate } = await import('node:crypto')
  return blocks.flatMap((block) => {
    try {
      const { validFromDate, validToDate } = new X509Certificate(block)
      return [{ fromMs: validFromDate.getTime(), toMs: validToDate.getTime() }]
    } catch {
      return []
    }
  })
}
