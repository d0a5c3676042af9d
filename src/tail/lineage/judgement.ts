import { FINGERPRINT_BYTES } from '../../checkpoint/registry.ts'
import { NEWLINE } from '../../chunk.ts'
import { Fault, type FileFacts, TooEarly } from '../file/files.ts'
import { fingerprintOnce } from '../file/fingerprint.ts'
import { type FileIdentity, isCertainlyOther, isIdentity, isRenumbered } from '../file/identity.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import { type Readable, recognise, type Verdict } from '../generation/recognition.ts'
import { type Candidate, COMPARED_BYTES } from './candidate.ts'

/** What an unknown file is taken to be. */
export type Judgement =
  | { readonly kind: 'home'; readonly generation: Generation }
  /** A copy of content that is read elsewhere, or a file that is still empty. */
  | { readonly kind: 'copy' }
  /** Perhaps a copy that is still being written. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'new' }

export interface Around {
  readonly generations: Generations
  /** Generations whose file is where it was. */
  readonly seen: ReadonlySet<Generation>
  readonly nowMs: number
  /** Whether a file is certainly not among those in the directory. */
  isMissing(file: FileIdentity): boolean
  /** The file is at the live path. */
  readonly isLive: boolean
}

/** Decides whose content a file holds: by content alone, as its identity says nothing. */
export function judge(candidate: Candidate, around: Around): Judgement | Fault {
  const { generations } = around
  if (candidate.size === 0 && !around.isLive) return { kind: 'copy' }
  const begin = candidate.bytes(0, Math.min(FINGERPRINT_BYTES, candidate.size))
  if (begin instanceof Fault) return begin
  const file = begin ? beginningWith(begin, candidate) : candidate
  if (generations.live?.isUnknown && !around.isLive) return generations.live.fault ?? UNREAD
  let home: Generation | undefined
  const originals: Generation[] = []
  let mayBecomeCopy = false
  for (const generation of generations.all()) {
    const verdict = recognise(generation, file, candidate.known?.get(generation))
    if (verdict instanceof Fault) return verdict
    if (verdict === 'other') continue
    const movable = canMove(generation, candidate, { ...around, verdict })
    if (movable instanceof Fault) return movable
    if (movable && (!home || isBetter(generation, home, candidate))) home = generation
    const like = movable ? 'none' : likenessTo(generation, candidate, { ...around, verdict })
    if (like instanceof Fault) return like
    if (like === 'begin') mayBecomeCopy = true
    if (like === 'copy') originals.push(generation)
  }
  const isCopy = originals.length > 0 && !originals.every((original) => yields(original, home, candidate, around))
  if (isCopy && !around.isLive) return { kind: 'copy' }
  if (home) return { kind: 'home', generation: home }
  return { kind: mayBecomeCopy && mayGrow(candidate, around) ? 'wait' : 'new' }
}

/** Whether more may come: neither its modification time nor how long it was seen unchanged rules it out. */
function mayGrow({ facts }: Candidate, { generations: { decisions, options }, nowMs }: Around): boolean {
  const quietMs = Math.max(nowMs - facts.mtimeMs, decisions.observeQuietMs(facts))
  return quietMs < options.finalQuietMs
}

/**
 * Returns the candidate with its first bytes read and hashed once: they rule out most generations, of which there may be
 * thousands.
 */
function beginningWith(begin: Buffer, { facts, size, bytes }: Candidate): Readable {
  return {
    fingerprintOf: fingerprintOnce(),
    facts,
    size,
    bytes: (position, length) =>
      position === 0 && length <= begin.length ? begin.subarray(0, length) : bytes(position, length),
  }
}

/**
 * Whether a file belongs to `home`, which has unread bytes and no file, rather than being a copy of `original`, which
 * begins alike. `home` takes precedence over a rotated original that is where it was. If `home` is exactly as long as the
 * file, it also takes precedence over a longer original, over the live one if the file is an archive, and over any if all
 * content of `home` is known.
 */
function yields(original: Generation, home: Generation | undefined, candidate: Candidate, around: Around): boolean {
  if (!home || home.finished || home.unreadBytes === 0) return false
  const isLive = original === around.generations.live
  if (!isLive && around.seen.has(original)) return true
  const { size, isArchive } = candidate
  return home.size === size && (original.size > size || (isArchive && isLive) || home.head.length === size)
}

type Match = Around & { readonly verdict: Exclude<Verdict, 'other'> }

/** Whether a generation that is not where it was continues in a file of the same content. */
function canMove(generation: Generation, candidate: Candidate, match: Match): boolean | Fault {
  const { generations, seen, verdict, isLive } = match
  if (verdict === 'begins' || (verdict === 'cut' && isLive)) return false
  if (seen.has(generation) || generation === generations.live || generation.isArchive) return false
  // Short logs are often alike: a finished one is recognised by its content only if it is long.
  if (generation.finished)
    return generation.head.isLong || candidate.isArchive || isSameFile(generation, candidate.facts)
  // A new log after a deletion may begin alike, too: better read twice than not at all.
  if (mayBeAnew(generation, candidate, match)) return false
  // A file that is gone but still open is read to its end, unless the live file is a copy that continues it.
  return !generation.isOpen || (isLive && verdict === 'same' && candidate.agrees(generation))
}

function isSameFile(generation: Generation, facts: FileFacts): boolean {
  return isIdentity(generation.identity, facts) || isRenumbered(generation, facts)
}

/** Whether the file may be a new log that begins alike: at the live path, or if the old file is gone, not just truncated. */
function mayBeAnew(generation: Generation, { isArchive, facts }: Candidate, { isLive, isMissing }: Match): boolean {
  const { head, identity, isReplaced } = generation
  if (isArchive || head.isLong || !isCertainlyOther(identity, facts)) return false
  return isLive || (!isReplaced && isMissing(identity))
}

/** Content that was read this far ends in bytes of its own, however alike files begin. */
const OWN_BYTES = 2 * FINGERPRINT_BYTES

/**
 * Whether a file holds `a` rather than `b`: first the one of which more was read, unless that may be just a common beginning;
 * then the one as long as the file; then the one that was in this very file; last the one nearest in length.
 */
function isBetter(a: Generation, b: Generation, { facts, size }: Candidate): boolean {
  const marks = ({ furthest, size: length, identity }: Generation): readonly number[] => [
    furthest >= OWN_BYTES ? furthest : 0,
    Number(length === size),
    Number(isIdentity(identity, facts)),
    furthest,
    -Math.abs(length - size),
  ]
  const others = marks(b)
  const difference = marks(a).map((mark, index) => mark - (others[index] ?? 0))
  return (difference.find((by) => by !== 0) ?? 0) > 0
}

/** `begin`: perhaps the beginning of a copy. */
type Likeness = 'copy' | 'begin' | 'none'

/** Whether a file is a copy of what is read from another one, as copytruncate makes it before truncating. */
function likenessTo(generation: Generation, candidate: Candidate, match: Match): Likeness | Fault {
  const { generations, seen, verdict } = match
  if (isOlder(candidate.facts, generation.identity)) return 'none'
  const isLeft = generation === generations.live || (generation.isOpen && !seen.has(generation))
  const isCertain = generation.head.isLong && candidate.size >= FINGERPRINT_BYTES
  if (!isLeft && !isCertain) return 'none'
  // A rotated file at rest seldom has a copy, and a log that repeats one line has many files that are alike.
  const isTelling = isLeft || hasOwnLine(candidate)
  if (isTelling instanceof Fault) return isTelling
  if (!isTelling) return 'none'
  const facts = generation.isArchive ? ABSENT : generation.look()
  if (facts instanceof Fault) {
    // A live file found missing for the first time may be this one.
    if (facts.code !== ABSENT.code || generation === generations.live) return facts
    if (verdict !== 'same') return 'begin'
    // The end of a content is known only if it was read to its end.
    return candidate.size === generation.size && generation.furthest === generation.size ? 'copy' : 'none'
  }
  const agreed = candidate.size <= facts.size && candidate.agrees(generation)
  if (agreed instanceof Fault) return agreed
  if (agreed) return 'copy'
  // The file may have just been truncated, and this may be the copy made of it before.
  return generation.verify() ? 'none' : TRUNCATED
}

/** Whether the last line occurs nowhere else near the end: then other files of the same log do not end with it. */
function hasOwnLine({ size, bytes }: Candidate): boolean | Fault {
  const length = Math.min(size, COMPARED_BYTES)
  const end = bytes(size - length, length)
  if (end === undefined || end instanceof Fault) return end ?? false
  const lines = end.subarray(0, end.at(-1) === NEWLINE ? -1 : undefined)
  const start = lines.lastIndexOf(NEWLINE) + 1
  if (start === 0) return size > length
  return lines.indexOf(lines.subarray(start)) === start
}

const TRUNCATED = new TooEarly('what it looks like has just been truncated')
const UNREAD = new TooEarly('the live file could not be looked at yet')
const ABSENT = new Fault('ENOENT', 'its file is not at hand')

function isOlder(a: Pick<FileFacts, 'birth'>, b: Pick<FileFacts, 'birth'>): boolean {
  return a.birth !== '0' && b.birth !== '0' && BigInt(a.birth) < BigInt(b.birth)
}
