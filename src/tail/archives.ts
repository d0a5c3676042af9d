import { type Archive, headOf, inspect, MOVED, sizeOf } from './archive-inspection.ts'
import { Fault } from './files.ts'
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

async function resolve(generations: Generations, archive: Archive, isFirst: boolean): Promise<Fault | undefined> {
  const { files } = generations.options
  const head = await headOf(files, archive.fd)
  if (head instanceof Fault) return head
  const inflatedSize = sizeOf(files, archive)
  if (inflatedSize instanceof Fault) return inflatedSize
  const suspects = [...generations.all()].filter((generation) => beginsAs(generation, head))
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

/** That nothing is known of how a generation begins says nothing. */
function beginsAs({ head }: Generation, begin: Buffer): boolean {
  return head.length > 0 && head.matches(begin.subarray(0, head.length)) === true
}

/** What is done with is recognised without inflating all of it: by its beginning, if no other begins so, and its size. */
function isArchiveOf(
  generation: Generation,
  { generations, inflatedSize }: { generations: Generations; inflatedSize: number },
): boolean {
  const { finished, size, isArchive } = generation
  return finished && !isArchive && !generations.seen.has(generation) && size % 2 ** 32 === inflatedSize
}
