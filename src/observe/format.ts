import { printable } from './line.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.4 KiB`. */
export function humanBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`
}

/** `1.4 KiB (1434)`: readable and exact. */
export function bytes(count: number): string {
  return Math.abs(count) < 1024 ? humanBytes(count) : `${humanBytes(count)} (${count})`
}

const scales = [
  { unit: 'd', ms: 86_400_000 },
  { unit: 'h', ms: 3_600_000 },
  { unit: 'm', ms: 60_000 },
  { unit: 's', ms: 1000 },
]

/** `2.1ms`, `40ms`, `12s`, `3m 4s`, `2h 5m`: at most two units. */
export function duration(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)}ms`
  const first = scales.findIndex((scale) => ms >= scale.ms)
  const [big, small] = [scales[first], scales[first + 1]]
  if (big === undefined || small === undefined) return `${Math.floor(ms / 1000)}s`
  const rest = Math.floor((ms % big.ms) / small.ms)
  return `${Math.floor(ms / big.ms)}${big.unit}${rest > 0 ? ` ${rest}${small.unit}` : ''}`
}

/** `2026-11-21T10:00:00.000Z (3s ago)`, or `(in 4s)`: absolute and relative. */
export function timestamp(iso: string, nowMs: number): string {
  const distanceMs = Date.parse(iso) - nowMs
  if (Number.isNaN(distanceMs)) return printable(iso)
  return `${iso} (${distanceMs > 0 ? `in ${duration(distanceMs)}` : `${duration(-distanceMs)} ago`})`
}

/** Pads columns to their widest cell, separated by two spaces. Numbers are left-aligned, too. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** A title between two lines of its length. */
export function banner(title: string): string[] {
  const line = '='.repeat(title.length)
  return [line, title, line]
}
