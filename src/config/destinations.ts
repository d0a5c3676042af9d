import type { Compression, DestinationConfig } from './config.ts'
import { awaitedFiles, type FilePort, resolveProxy, resolveTls } from './connection.ts'
import { resolveDatadog } from './datadog.ts'
import { resolveDelivery } from './delivery.ts'
import type { EnvironmentConf } from './environment.ts'
import { dotted, environmentPath, type Finding, Findings, type Path } from './finding.ts'
import type { DeliveryConf, DestinationConf } from './schema.ts'
import { formatSize } from './units.ts'
import { resolveWebhook } from './webhook.ts'

/** A destination as written, and its path in conf.yaml. */
export interface WrittenDestination {
  readonly conf: DestinationConf
  readonly path: Path
}

export interface DestinationContext {
  /** The top-level `delivery:`. */
  readonly delivery: DeliveryConf | undefined
  readonly environment: EnvironmentConf
  readonly files: FilePort
  /** The largest `max_line_bytes` of any source. */
  readonly longestLine: number
}

export interface ResolvedDestinations {
  readonly destinations: readonly DestinationConfig[]
  readonly findings: readonly Finding[]
}

export function resolveDestinations(
  written: readonly WrittenDestination[],
  context: DestinationContext,
): ResolvedDestinations {
  const findings = new Findings([])
  const names = namesOf(written, findings)
  const destinations = written.map((one, index) => {
    const resolved = resolveDestination(one, names[index] ?? one.conf.type, context)
    // A fault of the common `delivery:` affects every destination, but is reported once.
    const isNew = (finding: Finding) => !findings.list.some((known) => isSame(known, finding))
    for (const finding of resolved.findings.filter(isNew)) findings.add(finding)
    return resolved.destination
  })
  return { destinations, findings: findings.list }
}

function isSame(one: Finding, other: Finding): boolean {
  return one.message === other.message && dotted(one.path) === dotted(other.path)
}

function resolveDestination({ conf, path }: WrittenDestination, name: string, context: DestinationContext) {
  const { environment } = context
  const findings = new Findings(path)
  const files = awaitedFiles(context.files, findings)
  const { delivery, findings: ofDelivery } = resolveDelivery(
    [
      { path: [...path, 'delivery'], conf: conf.delivery },
      { path: ['delivery'], conf: context.delivery },
      { path: [...environmentPath, 'delivery'], conf: environment.delivery },
    ],
    conf.type,
  )
  const deadLetterMaxBytes = conf.dead_letter_max_bytes ?? 2 ** 30
  // An entry is JSON: escaping the quotes and backslashes of a JSON line makes it longer.
  const longestEntry = 2 * context.longestLine
  if (deadLetterMaxBytes > 0 && deadLetterMaxBytes < longestEntry) {
    findings.warn(
      ['dead_letter_max_bytes'],
      `\`dead_letter_max_bytes\` is less than the ${formatSize(longestEntry)} that one line of \`max_line_bytes\` may take there: the destination holds when a line does not fit`,
      'raise it, or lower `max_line_bytes`',
    )
  }
  const base = {
    name,
    ...compressionOf(conf, environment, findings),
    delivery,
    proxy: resolveProxy(conf.proxy, environment.proxy),
    tls: resolveTls(conf, files, findings),
    deadLetterMaxBytes,
  }
  const own =
    conf.type === 'datadog'
      ? resolveDatadog(conf, { environment, files, findings })
      : resolveWebhook(conf, files, findings)
  const destination: DestinationConfig = { ...base, ...own }
  return { destination, findings: [...findings.list, ...ofDelivery] }
}

/** kube-apiserver never compresses, and receivers made for it expect that; Datadog's intake accepts zstd. */
const compressionDefaults = { datadog: 'zstd', webhook: 'none' } as const
const highestLevel: Readonly<Record<Compression, number>> = { zstd: 22, gzip: 9, none: 22 }

function compressionOf(conf: DestinationConf, { datadog }: EnvironmentConf, findings: Findings) {
  const environment = conf.type === 'datadog' ? datadog : undefined
  const compression = conf.compression ?? environment?.compression ?? compressionDefaults[conf.type]
  const compressionLevel = conf.compression_level ?? environment?.compression_level ?? 1
  const highest = highestLevel[compression]
  if (compressionLevel > highest) {
    findings.refuse(['compression_level'], `\`compression_level\` of ${compression} must be at most ${highest}`)
  }
  return { compression, compressionLevel }
}

/** Returns the name of each destination: the given one, else its type, with a number if that is taken. */
function namesOf(written: readonly WrittenDestination[], findings: Findings): readonly string[] {
  const taken = new Set<string>()
  for (const { conf, path } of written) {
    if (conf.name === undefined) continue
    if (taken.has(conf.name)) {
      const message = `\`name\` ${conf.name} is taken by another destination`
      const hint = 'positions and dead letters are kept by name, so each needs its own'
      findings.refuse([...path, 'name'], message, hint)
    }
    taken.add(conf.name)
  }
  return written.map(({ conf, path }) => {
    if (conf.name !== undefined) return conf.name
    let name: string = conf.type
    for (let number = 2; taken.has(name); number += 1) name = `${conf.type}-${number}`
    if (name !== conf.type) {
      const message = `this destination has no \`name\` and is called ${name}; positions are kept by name`
      const hint = 'give each destination a `name`, so that another order changes nothing'
      findings.warn([...path, 'type'], message, hint)
    }
    taken.add(name)
    return name
  })
}
