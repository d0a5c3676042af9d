import type { Problem } from '../config/problem.ts'
import { DAY_MS } from '../config/units.ts'
import { readSmallFile } from '../ship/small-file.ts'
import type { Credentials, FoundCredentials } from './credentials.ts'

const SOON_MS = 14 * DAY_MS

/** Warns of client and CA certificates that are not valid now, or not for long. Does not report unreadable ones. */
export async function certificateProblems(
  found: readonly FoundCredentials[],
  nowMs: number,
): Promise<readonly Problem[]> {
  const all = found.flatMap(({ credentials }) =>
    credentials === undefined
      ? []
      : [
          // The first is the client's own; the certificates that signed it may follow.
          problemOfPem(credentials, 'cert', { nowMs, choose: ([first]) => first }),
          // While a CA is being replaced, the file contains both the old and the new one.
          problemOfPem(credentials, 'ca', { nowMs, choose: lastToExpire }),
        ],
  )
  return (await Promise.all(all)).flatMap((problem) => problem ?? [])
}

interface Validity {
  readonly fromMs: number
  readonly toMs: number
}

interface ValidityCheck {
  readonly nowMs: number
  /** Picks the certificate of a file that is judged. */
  readonly choose: (all: readonly Validity[]) => Validity | undefined
}

async function problemOfPem(
  { tls, warningAt }: Credentials,
  part: 'cert' | 'ca',
  { nowMs, choose }: ValidityCheck,
): Promise<Problem | undefined> {
  const pem = tls[part]
  if (pem === undefined) return undefined
  const file = pem.kind === 'file' ? await readSmallFile(pem.path) : undefined
  const text = pem.kind === 'inline' ? pem.pem : file?.kind === 'text' ? file.text : ''
  const chosen = choose(await validitiesIn(text))
  const fault = chosen && faultOf(chosen, nowMs)
  if (fault === undefined) return undefined
  return pem.kind === 'file'
    ? warningAt(part, `${pem.path} ${fault}`, 'renew it: a new file is taken up without a restart')
    : warningAt(part, fault, 'renew it')
}

function faultOf({ fromMs, toMs }: Validity, nowMs: number): string | undefined {
  if (toMs <= nowMs) return `expired at ${iso(toMs)}`
  if (fromMs > nowMs) return `is not valid before ${iso(fromMs)}`
  return toMs - nowMs < SOON_MS ? `expires soon, at ${iso(toMs)}` : undefined
}

const iso = (ms: number) => new Date(ms).toISOString()

const lastToExpire = (all: readonly Validity[]) => all.toSorted((a, b) => b.toMs - a.toMs)[0]

async function validitiesIn(text: string): Promise<readonly Validity[]> {
  const blocks = text.match(/-----BEGIN ((?:TRUSTED )?CERTIFICATE)-----.*?-----END \1-----/gs) ?? []
  if (blocks.length === 0) return []
  // Imported only when there is a certificate.
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
