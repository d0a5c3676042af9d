import { FINGERPRINT_BYTES } from '../checkpoint/registry.ts'
import { type Candidate, COMPARED_BYTES } from './candidate.ts'
import { faultOfInflating, inflate } from './content.ts'
import { Fault, type Files, readExactly } from './files.ts'
import type { Generation } from './generation.ts'
import type { Generations } from './generations.ts'
import { judge } from './judgement.ts'
import type { Place } from './place.ts'
import { recognise } from './recognition.ts'

/**
 * Decides what each archive is whose plain file is gone: the home of a generation, a copy, or new and unread. Nothing is
 * read from an archive before all of it has been inflated once without an error.
 */
export async function resolveArchives(
  generations: Generations,
  archives: readonly Place[],
  isFirst: boolean,
): Promise<void> {
  const { files } = generations.options
  for (const { path, facts } of archives) {
    const fd = files.open(path)
    const archive = fd instanceof Fault ? fd : { fd, path, facts }
    const fault = archive instanceof Fault ? archive : await resolve(generations, archive, isFirst)
    if (!(fd instanceof Fault)) files.close(fd)
    if (fault) generations.decisions.postpone({ path, facts }, fault)
    else generations.decisions.clear(facts)
  }
}

const MOVED = new Fault('EAGAIN', 'a position has moved meanwhile')

interface Archive extends Place {
  readonly fd: number
}

async function resolve(generations: Generations, archive: Archive, isFirst: boolean): Promise<Fault | undefined> {
  const { files } = generations.options
  const head = await headOf(files, archive.fd)
  if (head instanceof Fault) return head
  const inflatedSize = sizeOf(files, archive)
  if (inflatedSize instanceof Fault) return inflatedSize
  const suspects = [...generations.all()].filter((generation) =>
    generation.head.matches(head.subarray(0, generation.head.length)),
  )
  const [finished] = suspects
  if (finished && suspects.length === 1 && isArchiveOf(finished, { generations, inflatedSize }))
    return giveHome(generations, archive, { generation: finished, inflatedSize: finished.size })
  if (
    suspects.length === 0 &&
    generations.start.isPassedOver({ rotated: true, mtimeMs: archive.facts.mtimeMs, identity: archive.facts }, isFirst)
  ) {
    const generation = generations.discover(archive)
    generation.head.learn(head)
    generation.finish()
    return giveHome(generations, archive, { generation, inflatedSize })
  }
  const candidate = await inspect(files, archive, { head, suspects })
  if (candidate instanceof Fault) return candidate
  const judgement = judge(candidate, { generations, seen: generations.seen, nowMs: Date.now(), isLive: false })
  if (judgement instanceof Fault) return judgement
  switch (judgement.kind) {
    case 'wait':
      return new Fault('EAGAIN', 'it may be a copy that is still being written')
    case 'copy':
      generations.decisions.ignore(archive.facts)
      return undefined
    case 'home': {
      const { generation } = judgement
      // What was read on meanwhile must be in it, too: what is read from an archive is not checked again.
      const verdict = recognise(generation, candidate)
      if (verdict instanceof Fault) return verdict
      if (verdict === 'other') return MOVED
      return giveHome(generations, archive, { generation, inflatedSize: candidate.size })
    }
    case 'new': {
      const generation = generations.discover(archive)
      generation.head.learn(head)
      return giveHome(generations, archive, { generation, inflatedSize: candidate.size })
    }
  }
}

function giveHome(
  generations: Generations,
  { path, facts }: Archive,
  { generation, inflatedSize }: { generation: Generation; inflatedSize: number },
): Fault | undefined {
  const now = generations.options.files.stat(path)
  if (now instanceof Fault) return now
  if (now.ino !== facts.ino || now.size !== facts.size || now.mtimeMs !== facts.mtimeMs)
    return new Fault('EAGAIN', `${path} has changed`)
  generations.giveHome(generation, { path, facts, inflatedSize })
  return undefined
}

/** What is done with is recognised without inflating all of it: by its beginning, if no other begins so, and its size. */
function isArchiveOf(
  generation: Generation,
  { generations, inflatedSize }: { generations: Generations; inflatedSize: number },
): boolean {
  const { finished, size, isArchive } = generation
  return finished && !isArchive && !generations.seen.has(generation) && size % 2 ** 32 === inflatedSize
}

/** The first inflated bytes; fewer only when there are no more. */
async function headOf(files: Files, fd: number): Promise<Buffer | Fault> {
  const pieces: Buffer[] = []
  let size = 0
  try {
    for await (const piece of inflate(files, fd)) {
      pieces.push(piece)
      size += piece.length
      if (size >= FINGERPRINT_BYTES) break
    }
  } catch (error) {
    return faultOfInflating(error)
  }
  return Buffer.concat(pieces).subarray(0, FINGERPRINT_BYTES)
}

/** As the last member says, modulo 2^32 (RFC 1952, ISIZE): right for an archive of one member. */
function sizeOf(files: Files, { fd, facts }: Archive): number | Fault {
  const trailer = readExactly(files, fd, { position: Math.max(0, facts.size - 4), length: 4 })
  return trailer instanceof Fault ? trailer : (trailer?.readUInt32LE() ?? 0)
}

/** Inflates the whole archive once, piece by piece, and keeps what recognition will ask for. */
async function inspect(
  files: Files,
  { fd, facts }: Archive,
  { head, suspects }: { head: Buffer; suspects: readonly Generation[] },
): Promise<Candidate | Fault> {
  const known = new Map(suspects.map((suspect) => [suspect, suspect.cursors.evidence()]))
  const spans = [...known.values()].flat().map(({ offset, marker }) => capture(offset - marker.length, marker.length))
  const differing = new Set<Generation>()
  let end: Buffer = Buffer.alloc(0)
  let size = 0
  try {
    for await (const piece of inflate(files, fd)) {
      for (const span of spans) span.pass(piece, size)
      for (const suspect of suspects) if (suspect.place && !isPart(suspect, piece, size)) differing.add(suspect)
      end = Buffer.concat([end, piece.subarray(-COMPARED_BYTES)]).subarray(-COMPARED_BYTES)
      size += piece.length
    }
  } catch (error) {
    return faultOfInflating(error)
  }
  return {
    facts,
    isArchive: true,
    size,
    known,
    bytes(position, length) {
      if (position === 0 && length <= head.length) return head.subarray(0, length)
      if (position + length === size && length <= end.length) return end.subarray(end.length - length)
      const span = spans.find((other) => other.position === position && other.length === length)
      return span ? span.bytes() : MOVED
    },
    agrees: (generation) => suspects.includes(generation) && !differing.has(generation),
  }
}

/** Whether the file of a generation holds this piece at this position, as far as it goes. */
function isPart(generation: Generation, piece: Buffer, position: number): boolean {
  const length = Math.min(piece.length, generation.size - position)
  if (length <= 0) return true
  const own = generation.bytes(position, length)
  return own !== undefined && !(own instanceof Fault) && own.equals(piece.subarray(0, length))
}

/** Keeps the bytes `[position, position + length)` of what passes by. */
function capture(position: number, length: number) {
  const bytes = Buffer.alloc(length)
  let filled = 0
  return {
    position,
    length,
    pass(piece: Buffer, at: number) {
      const from = Math.max(position, at)
      const to = Math.min(position + length, at + piece.length)
      if (from < to) filled += piece.copy(bytes, from - position, from - at, to - at)
    },
    bytes: () => (filled === length ? bytes : undefined),
  }
}
