import { basename, dirname, join } from 'node:path'
import { Fault, type FileFacts, isAbsent, leadsNowhere } from '../file/files.ts'
import { isIdentity } from '../file/identity.ts'
import type { Generation } from '../generation/generation.ts'
import type { Generations } from '../generation/generations.ts'
import { recognise } from '../generation/recognition.ts'
import { type Candidate, plainCandidate } from './candidate.ts'
import type { Judgement } from './judgement.ts'

const MISSING_CHECKS = 2

/** The path of the writer's file: what is there now, and which generation owns a file that arrives. */
export class LivePath {
  /** Why it cannot be read; undefined if it can, or is merely absent. */
  error: string | undefined
  /** How many consecutive looks found no file there: nothing, or a directory or the like. */
  missing = 0
  /** Directory and name of the file, behind any symbolic link; rotated generations are looked for beside it. */
  base: { readonly directory: string; readonly name: string }
  readonly #generations: Generations
  /** A file at the path that is not the live generation's. */
  #arrival: { readonly fd: number; readonly facts: FileFacts } | undefined

  constructor(generations: Generations) {
    const { path } = generations.options
    this.base = { directory: dirname(path), name: basename(path) }
    this.#generations = generations
  }

  get hasArrival(): boolean {
    return this.#arrival !== undefined
  }

  look(nowMs: number): void {
    const generations = this.#generations
    const { files, path, isOwnedElsewhere } = generations.options
    const facts = files.stat(path)
    if (facts instanceof Fault || facts.kind !== 'file') {
      this.#noFile(facts, nowMs)
      return
    }
    this.missing = 0
    const { live } = generations
    if (live && isIdentity(live.identity, facts)) {
      if (live.fault && !live.isOpen) this.#follow(live)
      live.observe(facts, nowMs)
      this.error = live.fault?.message
      if (!live.isReplaced) return
      generations.detach(live)
    } else if (live) this.#rotate(live, nowMs)
    generations.recall(facts)
    const elsewhere = isOwnedElsewhere({ path, facts }, nowMs)
    this.error = elsewhere instanceof Fault ? elsewhere.message : undefined
    if (elsewhere === false) this.#openArrival()
  }

  /** Gives a file that has arrived to the generation whose content it holds. */
  assignArrival(judge: (candidate: Candidate) => Judgement | Fault): void {
    const arrival = this.#arrival
    if (!arrival) return
    this.#arrival = undefined
    const { files, path, context } = this.#generations.options
    const { fd, facts } = arrival
    const owner = this.#ownerOf(plainCandidate(files, fd, facts), judge)
    if (owner instanceof Fault) {
      files.close(fd)
      this.error = owner.message
      return
    }
    const generation = owner ?? this.#generations.discover({ path, facts })
    generation.closeContent()
    const full = context.descriptors.makeRoom()
    if (full) files.close(fd)
    // The name that a link leads to: it still leads to the file after the link is repointed.
    generation.moveInto({ path: join(this.base.directory, this.base.name), facts }, full ?? fd)
    this.#generations.makeLive(generation)
    this.error = full?.message
  }

  /** A path that cannot be examined may still have its file: the file has left only if two looks in a row found none there. */
  #noFile(there: Fault | FileFacts, nowMs: number): void {
    const generations = this.#generations
    this.error = obstacle(there)
    if (there instanceof Fault && !leadsNowhere(there)) {
      this.missing = 0
      return
    }
    generations.start.unseen.live = false
    this.missing += 1
    if (generations.live && this.missing >= MISSING_CHECKS) this.#rotate(generations.live, nowMs)
    else if (generations.live) generations.lookAtRotated(generations.live, nowMs)
  }

  #rotate(generation: Generation, nowMs: number): void {
    this.#generations.clearLive()
    this.#generations.scanWanted = true
    this.#generations.lookAtRotated(generation, nowMs)
  }

  /** Holds the file open until its owner is known, even beyond the bound on open files. */
  #openArrival(): void {
    const { files, path } = this.#generations.options
    const fd = files.open(path)
    const facts = fd instanceof Fault ? fd : files.facts(fd)
    this.error = facts instanceof Fault ? facts.message : undefined
    if (fd instanceof Fault) return
    if (facts instanceof Fault) {
      files.close(fd)
      return
    }
    this.#arrival = { fd, facts }
    this.#resolve()
  }

  /** The live file cannot be opened under the name it had: it may have been renamed behind a link. */
  #follow(live: Generation): void {
    this.#resolve()
    const path = join(this.base.directory, this.base.name)
    if (live.place) live.place = { ...live.place, path }
    live.lastPath = path
  }

  #resolve(): void {
    const { files, path } = this.#generations.options
    const real = files.realpath(path)
    if (!(real instanceof Fault)) this.base = { directory: dirname(real), name: basename(real) }
  }

  #ownerOf(candidate: Candidate, judge: (candidate: Candidate) => Judgement | Fault): Generation | undefined | Fault {
    const known = this.#generations.ofFile(candidate.facts)
    for (const generation of known) {
      if (generation.isOpen && !generation.isReplaced) return generation
      const verdict = recognise(generation, candidate)
      if (verdict instanceof Fault) return verdict
      if (verdict === 'same') return generation
    }
    const judgement = judge(candidate)
    if (judgement instanceof Fault) return judgement
    return judgement.kind === 'home' ? judgement.generation : undefined
  }
}

/** Returns what keeps the path from being read; undefined if there is simply nothing. */
function obstacle(there: Fault | FileFacts): string | undefined {
  if (there instanceof Fault) return isAbsent(there) ? undefined : there.message
  return there.kind === 'directory' ? 'it is a directory' : 'it is not a regular file'
}
