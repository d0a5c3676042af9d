import { isObject } from '../json.ts'
import { dotted, type Finding, type Path } from './finding.ts'

/** Hints for keys whose values are taken literally, although users often expect variables or ~ to be expanded. */
const hints: ReadonlyMap<string, string> = new Map([
  ...['path', 'exclude_paths', 'run_path', 'import', 'socket'].map((key) => [key, 'write the path out'] as const),
  ...['api_key_file', 'token_file', 'kubeconfig'].map((key) => [key, 'write the path out'] as const),
  ...['ca_file', 'cert_file', 'key_file'].map((key) => [key, 'write the path out'] as const),
  ['api_key', 'remove this key: DD_API_KEY is used by itself'],
  ['hostname', 'remove this key: DD_HOSTNAME or NODE_NAME is used by itself'],
])

/** Warns of values that are taken literally but hardly meant so: variables, home directories and white space. */
export function doubts(value: unknown, path: Path = []): readonly Finding[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => doubts(item, [...path, index]))
  if (isObject(value)) return Object.entries(value).flatMap(([key, inner]) => doubts(inner, [...path, key]))
  const key = path.findLast((step) => typeof step === 'string')
  const hint = hints.get(String(key))
  const place = { path, at: 'value', severity: 'warning' } as const
  const name = dotted(path.slice(path.indexOf(key ?? '')))
  if (hint !== undefined && key !== 'api_key' && typeof value === 'string' && value !== value.trim()) {
    const message = `\`${name}\` begins or ends with white space, which is taken as part of it`
    return [
      { ...place, message, hint: 'remove it; a block (|) ends with a line break, so write the value on one line' },
    ]
  }
  // A source's path that is not absolute is reported as such, which says enough.
  const isTold = key === 'path' && !String(value).startsWith('/')
  const what = typeof value === 'string' && hint !== undefined && !isTold ? unexpandedPart(value) : undefined
  if (what === undefined) return []
  return [{ ...place, message: `\`${name}\` ${what}, which is not expanded`, hint }]
}

/** Returns what is not expanded, in words that follow the name of a key; undefined if there is nothing. */
export function unexpandedPart(text: string): string | undefined {
  if (text.startsWith('~')) return 'begins with ~'
  return /\$\{?[A-Za-z_]/.test(text) ? 'contains a variable ($…)' : undefined
}
