import { type Document, isAlias, isMap, isNode, isScalar, isSeq } from 'yaml'
import { dotted, type Path } from './finding.ts'

/** Offsets of a value and its key. A list item has no key: both are the item's own. */
export interface Place {
  readonly key: number
  readonly value: number
}

/** Something that the YAML parser or `plainValue` rejects. */
export interface Fault {
  readonly offset: number
  readonly message: string
  readonly hint?: string | undefined
  /** Whether the rest of the file is understood nevertheless. */
  readonly harmless: boolean
}

export interface PlainValue {
  readonly value: unknown
  /** By dotted path. */
  readonly places: ReadonlyMap<string, Place>
  readonly faults: readonly Fault[]
}

/** Bounds for a file whose aliases expand without end, or that is nested too deeply. */
const MAX_NODES = 50_000
const MAX_DEPTH = 64

/**
 * Converts the document to plain values. A key without a value becomes `undefined`, so that a known key counts as absent.
 * (The library's own `toJS` stops at the first alias it cannot resolve, keeps no positions, and stringifies collections used
 * as keys.)
 */
export function plainValue(yaml: Document): PlainValue {
  const places = new Map<string, Place>()
  const faults: Fault[] = []
  let nodes = 0

  function visit(node: unknown, path: Path): unknown {
    nodes += 1
    if (isScalar(node)) return node.value
    if (nodes > MAX_NODES || path.length > MAX_DEPTH) return tooMuch(node)
    if (isAlias(node)) {
      const target = node.resolve(yaml)
      if (target !== undefined) return visit(target, path)
      const hint = 'put text that begins with * in quotes'
      faults.push({
        offset: startOf(node),
        message: 'this alias (*…) has no anchor (&…) before it',
        hint,
        harmless: true,
      })
      return undefined
    }
    if (isSeq(node)) return node.items.map((item, index) => visitItem(item, [...path, index]))
    if (isMap(node)) return Object.fromEntries(node.items.flatMap((pair) => entry(pair.key, pair.value, path)))
    return null
  }

  function visitItem(item: unknown, path: Path): unknown {
    places.set(dotted(path), { key: startOf(item), value: startOf(item) })
    return visit(item, path)
  }

  function entry(key: unknown, value: unknown, path: Path): readonly (readonly [string, unknown])[] {
    if (!isScalar(key) || key.value === null) {
      const hint = 'a value that begins with { or [ needs quotes; {{ … }} is a template that was not rendered'
      faults.push({ offset: startOf(key), message: 'a key must be plain text', hint, harmless: false })
      return []
    }
    const name = String(key.value)
    if (name === '<<') {
      const hint = 'write its keys out here; an alias can only stand for a whole value'
      faults.push({ offset: startOf(key), message: 'merge keys (<<) are not supported', hint, harmless: false })
      return []
    }
    places.set(dotted([...path, name]), { key: startOf(key), value: startOf(value) || startOf(key) })
    const plain = visit(value, [...path, name])
    return [[name, plain ?? undefined]]
  }

  function tooMuch(node: unknown): undefined {
    if (faults.every(({ message }) => message !== tooMuchMessage)) {
      faults.push({ offset: startOf(node), message: tooMuchMessage, harmless: false })
    }
    return undefined
  }

  return { value: visitItem(yaml.contents, []), places, faults }
}

const tooMuchMessage = 'this is nested too deeply, or its aliases expand to too much'

const startOf = (node: unknown): number => (isNode(node) ? (node.range?.[0] ?? 0) : 0)
