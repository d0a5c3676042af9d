type Labels = Readonly<Record<string, string>>

/** One series: its labels, and its value if there is one. */
export type Sample = readonly [labels: Labels, value: number | undefined]

/** One metric of Prometheus' text format 0.0.4. */
export interface Family {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly Sample[]
}

export function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples }
}

export function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'counter', help, samples }
}

/** A metric whose values are read from items of one type. */
export type Metric<T> = readonly [
  type: Family['type'],
  name: string,
  help: string,
  value: (item: T) => number | undefined,
]

/** Returns one family per metric, with one sample per item. */
export function familiesOf<T>(
  metrics: readonly Metric<T>[],
  items: readonly { readonly labels: Labels; readonly of: T }[],
): Family[] {
  return metrics.map(([type, name, help, value]) => ({
    type,
    name,
    help,
    samples: items.map(({ labels, of: item }): Sample => [labels, value(item)]),
  }))
}

/** A family without samples is omitted. Two samples with the same labels would void the whole scrape, so they are added up. */
export function renderFamily({ name, type, help, samples }: Family): string {
  const sums = new Map<string, number>()
  for (const [labels, value] of samples) {
    if (value === undefined) continue
    const series = name + renderLabels(labels)
    sums.set(series, (sums.get(series) ?? 0) + value)
  }
  if (sums.size === 0) return ''
  const lines = [...sums].map(([series, value]) => `${series} ${withoutNoise(value)}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

/** Rounds so that 0.1 + 0.2 is 0.3: the last of 17 digits are noise from binary fractions. Counts may need 16 and stay exact. */
const withoutNoise = (value: number) => (Number.isInteger(value) ? value : Number(value.toPrecision(15)))

function renderLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.toWellFormed().replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
