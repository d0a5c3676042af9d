import { LineCounter, parseDocument } from 'yaml'
import { excerptOf } from './excerpt.ts'
import { dotted, type Finding, type Path } from './finding.ts'
import { type Fault, type Place, plainValue } from './plain-value.ts'
import { type Problem, problemOf } from './problem.ts'
import { yamlFaults } from './yaml-faults.ts'

/** A file with more syntax errors is not YAML at all. */
const MAX_SYNTAX_PROBLEMS = 20

/** One YAML file as a plain value that remembers the position of everything. */
export class ConfDocument {
  readonly file: string
  /** Undefined if the file contains none. */
  readonly value: unknown
  /** What is wrong with the YAML itself. */
  readonly syntax: readonly Problem[]
  readonly #lines: readonly string[]
  readonly #counter = new LineCounter()
  readonly #places: ReadonlyMap<string, Place>
  /** From the line of the first syntax error on, nothing is certain. */
  readonly #sureUntil: number
  /** Where a value begins that is no YAML. */
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

  /** False if a syntax error may be the cause of the finding. */
  isSure(finding: Finding): boolean {
    if (this.#faulty.has(this.#places.get(dotted(finding.path))?.value ?? -1)) return false
    if (this.isWhole) return true
    return finding.at !== 'absent' && (this.#offsetOf(finding) ?? this.#sureUntil) < this.#sureUntil
  }

  /** `file:line` of a key. */
  placeOf(path: Path): string {
    const offset = this.#offsetOf({ path, at: 'key' })
    return offset === undefined ? this.file : `${this.file}:${this.#counter.linePos(offset).line}`
  }

  /** Further syntax errors on a line mostly follow from its first. */
  #firstOfEachLine(faults: readonly Fault[]): readonly Fault[] {
    const lines = faults.map(({ offset }) => this.#counter.linePos(offset).line)
    return faults.filter((_, index) => lines[index] !== lines[index - 1])
  }

  #problemAt(offset: number | undefined, message: string, more: Partial<Problem>): Problem {
    if (offset === undefined) return problemOf(this.file, message, more)
    const { line, col } = this.#counter.linePos(offset)
    return problemOf(this.file, message, { line, column: col, excerpt: excerptOf(this.#lines, line, col), ...more })
  }

  /** The offset of the path itself, else of the nearest enclosing key that exists. */
  #offsetOf({ path, at }: Pick<Finding, 'path' | 'at'>): number | undefined {
    for (let length = path.length; length > 0; length -= 1) {
      const place = this.#places.get(dotted(path.slice(0, length)))
      if (place !== undefined) return at === 'value' && length === path.length ? place.value : place.key
    }
    return path.length === 0 ? this.#places.get('')?.value : undefined
  }
}
