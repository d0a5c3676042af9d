import { Fault, type FileFacts, TooEarly } from '../file/files.ts'
import { fingerprintOnce } from '../file/fingerprint.ts'
import { isRenumbered } from '../file/identity.ts'
import type { Place } from '../file/place.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import { isHistory } from '../generation/history.ts'
import { recognise } from '../generation/recognition.ts'
import { isNamedForGood } from '../names/rotated-name.ts'
import { type Archive, headOf, inspect, MOVED, sizeOf } from './archive-inspection.ts'
import { judge } from './judgement.ts'

/**
 * Decides whether each archive whose plain file is gone is the home of a generation, a copy, or new and unread. Nothing is
 * read from an archive before all of it has been inflated once without an error.
 */
export async function resolveArchives(
  generations: Generations,
  archives: readonly Place[],
  isFirst: boolean,
): Promise<void> {
  const { files } = generations.options
  // Those that are known, or were, come first: a copy of one must not take its place.
  const isStranger = ({ facts }: Place) => !generations.ofFile(facts).some(({ finished }) => finished)
  for (const { path, facts } of archives.toSorted((a, b) => Number(isStranger(a)) - Number(isStranger(b)))) {
    const fd = files.open(path)
    const archive = fd instanceof Fault ? fd : { fd, path, facts }
    const fault = archive instanceof Fault ? archive : await resolve(generations, archive, isFirst)
    if (!(fd instanceof Fault)) files.close(fd)
    if (fault) generations.decisions.postpone({ path, facts }, fault)
    else generations.decisions.clear(facts)
  }
}

async function resolve(generations: Generations, archive: Archive, isFirst: boolean): Promise<Fault | undefined> {
  const { files } = generations.options
  const head = await headOf(files, archive.fd)
  if (head instanceof Fault) return head
  const inflatedSize = sizeOf(files, archive)
  if (inflatedSize instanceof Fault) return inflatedSize
  const suspects = beginningWith(head, generations)
  const known = knownBy(archive, suspects, inflatedSize)
  if (known) return settleKnown(generations, archive, known)
  const isPassedOver = () => isHistory(generations, { facts: archive.facts, begin: head }, isFirst)
  if (isPassedOver() && suspects.every(({ finished }) => finished)) {
    const generation = generations.discover(archive)
    generation.head.learn(head)
    generation.finish()
    return attach(generations, archive, { generation, inflatedSize })
  }
  const candidate = await inspect(files, archive, { head, suspects })
  if (candidate instanceof Fault) return candidate
  const judgement = judge(candidate, {
    generations,
    seen: generations.seen,
    nowMs: Date.now(),
    isMissing: () => false,
    isLive: false,
  })
  if (judgement instanceof Fault) return judgement
  switch (judgement.kind) {
    case 'wait':
      return new TooEarly('it may be a copy that is still being written')
    case 'copy':
      generations.decisions.ignore(archive.facts)
      return undefined
    case 'home': {
      const { generation } = judgement
      // It must also hold what was read while it was inflated: content read from an archive is not checked again.
      const verdict = recognise(generation, candidate)
      if (verdict instanceof Fault) return verdict
      if (verdict === 'other') return MOVED
      return attach(generations, archive, { generation, inflatedSize: candidate.size })
    }
    case 'new': {
      const generation = generations.discover(archive)
      generation.head.learn(head)
      if (isPassedOver()) generation.finish()
      return attach(generations, archive, { generation, inflatedSize: candidate.size })
    }
  }
}

/** Returns the generation in an archive, if it can be told without inflating all of it. */
function knownBy(archive: Archive, suspects: readonly Generation[], inflatedSize: number): Generation | undefined {
  const [same, ...others] = suspects.filter((generation) => isStillIn(generation, archive, inflatedSize))
  if (same && others.length === 0) return same
  const [only, ...alike] = suspects
  return only && alike.length === 0 && isPackingOf(only, archive, inflatedSize) ? only : undefined
}

function settleKnown(generations: Generations, archive: Archive, generation: Generation): Fault | undefined {
  if (!generation.isOpen && !generations.seen.has(generation))
    return attach(generations, archive, { generation, inflatedSize: generation.size })
  generations.decisions.ignore(archive.facts)
  return undefined
}

function attach(
  generations: Generations,
  { path, facts }: Archive,
  { generation, inflatedSize }: { generation: Generation; inflatedSize: number },
): Fault | undefined {
  const now = generations.options.files.stat(path)
  if (now instanceof Fault) return now
  if (now.ino !== facts.ino || now.size !== facts.size || now.mtimeMs !== facts.mtimeMs)
    return new TooEarly(`${path} has changed`)
  generations.attach(generation, { path, facts, inflatedSize })
  return undefined
}

/** Returns the generations that begin with `begin`, without those whose first bytes are unknown. */
function beginningWith(begin: Buffer, generations: Generations): readonly Generation[] {
  const fingerprintOf = fingerprintOnce()
  return generations
    .all()
    .filter(({ head }) => head.length > 0 && head.matches(begin.subarray(0, head.length), fingerprintOf) === true)
}

/**
 * Recognises a known archive by file identity, without inflating all of it. Beginning, length and name are not enough: a
 * numbered name moves to the next archive, which may agree in the other two.
 */
function isStillIn(generation: Generation, { facts }: Archive, inflatedSize: number): boolean {
  const { finished, size, place, identity, isArchive } = generation
  if (isWrittenOver(generation, facts)) return false
  // The device number may change, with or without a birth time.
  const isSameFile = identity.ino === facts.ino && identity.birth === facts.birth
  const isAway = !place || (isArchive && isRenumbered(generation, facts))
  return finished && isAway && size % 2 ** 32 === inflatedSize && isSameFile
}

/** Whether the archive of a generation, which this file may still be, was written over. */
function isWrittenOver({ archive, mtimeMs }: Generation, facts: FileFacts): boolean {
  // Of a generation that was only noted, or imported from another agent, only the time at which it was last seen is known.
  if (!archive) return facts.mtimeMs > mtimeMs
  return archive.size !== facts.size || archive.mtimeMs !== facts.mtimeMs
}

/**
 * Recognises a generation that was settled to its end and then packed: the archive has a name that no other file of the log
 * can have, and the same length and beginning, and nothing else that is known begins like it.
 */
function isPackingOf(generation: Generation, { path }: Archive, inflatedSize: number): boolean {
  const { head, lastPath, size, finished, cursors, isSettled, isReplaced } = generation
  const isDone = finished || (isSettled && cursors.size > 0)
  const isAlike = head.isLong && !isReplaced && size % 2 ** 32 === inflatedSize
  return isDone && isAlike && isNamedForGood(lastPath) && path === `${lastPath}.gz`
}
