import { duration } from '../observe/format.ts'

/** `12,480`. */
export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1 batch`, `3 batches`. */
export function countOf(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** `12.3 s`; from a minute on `3m 4s`. */
export function seconds(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : duration(ms)
}
