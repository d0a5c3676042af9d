import { archiveHead, inspectArchive } from './content.ts'
import { FINGERPRINT_BYTES, fingerprint } from './fingerprint.ts'
import type { Generation, Place } from './generation.ts'
import type { Lineage } from './lineage.ts'
import { stateOf } from './siblings.ts'

/**
 * Decides what each archive is whose plain file is gone: the home of a homeless generation, another form of one that is
 * known, or new and unread. Nothing is read from an archive before all of it has been inflated once without an error.
 */
export async function resolveArchives(lineage: Lineage, archives: readonly Place[]): Promise<void> {
  for (const archive of archives) {
    const head = await archiveHead(archive.path, FINGERPRINT_BYTES)
    if (head === undefined) {
      lineage.waiting.set(archive.path, 'it holds nothing that can be inflated yet')
      continue
    }
    const isMatch = (generation: Generation) => isHead(generation, head)
    const homeless = lineage.homeless.find(isMatch)
    const known = homeless ?? [...lineage.reading, ...lineage.done].find(isMatch)
    if (known && !homeless && !known.finished) continue // its plain file is open, or has not been missed yet
    if (known?.finished || (!known && isHistory(lineage, archive)))
      decide(lineage, archive, known ?? history(lineage, archive, head))
    else await settle(lineage, archive, { homeless, head })
  }
}

function isHead(generation: Generation, head: Buffer): boolean {
  const { length, hash } = generation.prefix
  return length > 0 && length <= head.length && fingerprint(head.subarray(0, length)).hash === hash
}

function isHistory(lineage: Lineage, archive: Place): boolean {
  const { source, startedAtMs } = lineage.options
  return lineage.startedVirgin && archive.facts.mtimeMs < startedAtMs && !source.backfill
}

function history(lineage: Lineage, archive: Place, head: Buffer): Generation {
  const generation = lineage.discover({ ...archive, inflatedSize: 0 })
  generation.prefix = fingerprint(head)
  generation.finished = true
  return generation
}

function decide(lineage: Lineage, archive: Place, generation: Generation): void {
  lineage.decided.set(archive.path, stateOf(archive.facts))
  lineage.waiting.delete(archive.path)
  generation.settleIn({ ...archive, inflatedSize: generation.size })
  lineage.insert(generation)
}

async function settle(
  lineage: Lineage,
  archive: Place,
  { homeless, head }: { homeless: Generation | undefined; head: Buffer },
): Promise<void> {
  const markers = homeless ? markerChecks(homeless) : []
  let at = 0
  const inspected = await inspectArchive(archive.path, (piece) => {
    for (const check of markers) check.pass(piece, at)
    at += piece.length
  })
  if (inspected.kind === 'incomplete') {
    lineage.waiting.set(archive.path, inspected.reason)
    return
  }
  lineage.decided.set(archive.path, stateOf(archive.facts))
  lineage.waiting.delete(archive.path)
  const isHome = homeless !== undefined && markers.every((check) => check.isMet())
  const place = { ...archive, inflatedSize: inspected.size }
  const generation = isHome ? homeless : lineage.discover(place)
  if (!isHome) generation.prefix = fingerprint(head)
  generation.settleIn(place)
  generation.rotated = true
  lineage.insert(generation)
}

/** Checks the marker of each position of a generation while the inflated content passes by. */
function markerChecks(generation: Generation): { pass(piece: Buffer, at: number): void; isMet(): boolean }[] {
  return [...generation.cursors.values()].map((cursor) => {
    const { offset, marker } = cursor.record()
    const bytes = Buffer.alloc(marker.length)
    const start = offset - marker.length
    let filled = 0
    return {
      pass(piece, at) {
        const from = Math.max(start, at)
        const to = Math.min(offset, at + piece.length)
        if (from >= to) return
        filled += piece.copy(bytes, from - start, from - at, to - at)
      },
      isMet: () => filled === marker.length && (marker.length === 0 || fingerprint(bytes).hash === marker.hash),
    }
  })
}
