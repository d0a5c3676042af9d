import { LineCounter, parseDocument } from 'yaml'
import { excerptOf } from './excerpt.ts'
import { dotted, type Finding, type Path } from './finding.ts'
import { type Fault, type Place, plainValue } from './plain-value.ts'
import { type Problem, problemOf } from './problem.ts'
import { yamlFaults } from './yaml-faults.ts'

/** A file with more syntax errors than this is probably not YAML at all. */
const MAX_SYNTAX_PROBLEMS = 20

/** The plain value of one YAML file, and the position of every key and value in it. */
export class ConfDocument {
  readonly file: string
  /** Undefined if the file is empty. */
  readonly value: unknown
  /** What is wrong with the YAML itself. */
  readonly syntax: readonly Problem[]
  readonly #lines: readonly string[]
  readonly #counter = new LineCounter()
  readonly #places: ReadonlyMap<string, Place>
  /** Offset of the line with the first harmful syntax error: from there on, nothing is certain. */
  readonly #sureUntil: number
  /** Offsets of all syntax errors: a value that begins at one of them is not to be trusted. */
  readonly #faulty: ReadonlySet<number>

  constructor(file: string, text: string) {
    this.file = file
    this.#lines = text.split(/\r?\n/)
    const yaml = parseDocument(text, { lineCounter: this.#counter, prettyErrors: false, logLevel: 'error' })
    const { value, places, faults } = plainValue(yaml)
    this.value = value ?? undefined
    this.#places = places
    const all = [...yamlFaults(yaml, text), ...faults]
    all.sort((a, b) => a.offset - b.offset)
    this.#faulty = new Set(all.map(({ offset }) => offset))
    const broken = all.find(({ harmless }) => !harmless)?.offset
    this.#sureUntil = broken === undefined ? Number.POSITIVE_INFINITY : text.lastIndexOf('\n', broken - 1) + 1
    this.syntax = this.#firstOfEachLine(all)
      .slice(0, MAX_SYNTAX_PROBLEMS)
      .map(({ offset, message, hint }) => this.#problemAt(offset, message, { hint }))
  }

  problem(finding: Finding, more: Partial<Problem> = {}): Problem {
    return this.#problemAt(this.#offsetOf(finding), finding.message, {
      key: dotted(finding.path),
      hint: finding.hint,
      scope: finding.severity === 'warning' ? 'warning' : 'fatal',
      isTransient: finding.isTransient ?? false,
      ...more,
    })
  }

  /** Whether no syntax error hides part of the file. */
  get isWhole(): boolean {
    return this.#sureUntil === Number.POSITIVE_INFINITY
  }

  /** Returns false if a syntax error may be the cause of the finding. */
  isSure(finding: Finding): boolean {
    if (this.#faulty.has(this.#places.get(dotted(finding.path))?.value ?? -1)) return false
    if (this.isWhole) return true
    return finding.at !== 'absent' && (this.#offsetOf(finding) ?? this.#sureUntil) < this.#sureUntil
  }

  /** Returns `file:line` of a key; the file alone if the line is unknown. */
  placeOf(path: Path): string {
    const offset = this.#offsetOf({ path, at: 'key' })
    return offset === undefined ? this.file : `${this.file}:${this.#counter.linePos(offset).line}`
  }

  /** Keeps the first syntax error of each line: further ones mostly follow from it. */
  #firstOfEachLine(faults: readonly Fault[]): readonly Fault[] {
    const lines = faults.map(({ offset }) => this.#counter.linePos(offset).line)
    return faults.filter((_, index) => lines[index] !== lines[index - 1])
  }

  #problemAt(offset: number | undefined, message: string, more: Partial<Problem>): Problem {
    if (offset === undefined) return problemOf(this.file, message, more)
    const { line, col } = this.#counter.linePos(offset)
    return problemOf(this.file, message, { line, column: col, excerpt: excerptOf(this.#lines, line, col), ...more })
  }

  /** Returns the offset of the path itself, else of the nearest enclosing key that exists. */
  #offsetOf({ path, at }: Pick<Finding, 'path' | 'at'>): number | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.#places.get(dotted(path.slice(0, length)))
      if (place !== undefined) return at === 'value' && length === path.length ? place.value : place.key
    }
    return path.length === 0 ? this.#places.get('')?.value : undefined
  }
}
