import { sep } from 'node:path'
import { takesAll, type Wildcard } from './wildcards.ts'

/** An escaped character, a set in brackets, stars, or any other character. */
const TOKEN = /\\.|\[[!^]?(?:\\.|[^\\/])(?:\\.|[^\]\\/])*\]|\*+|./gsu

const SURROGATE = /[\ud800-\udfff]/

/**
 * Compiles a pattern into a test for whole paths. As anyone may have chosen the names in a path, the test's time is bounded
 * by the pattern's length times the path's. Braces are expanded, each combination into a pattern of its own.
 */
export function compilePathPattern(pattern: string): (path: string) => boolean {
  const alternatives = writtenOut(pattern.match(TOKEN) ?? []).map(compileSegments)
  return (path) => {
    const names = path.split(sep)
    return alternatives.some((segments) => takesAll(segments, names))
  }
}

type Tokens = readonly string[]

function writtenOut(tokens: Tokens): readonly Tokens[] {
  const marks = firstBraces(tokens)
  const [open, close] = [marks.at(0), marks.at(-1)]
  if (open === undefined || close === undefined) return [tokens]
  const choices = marks.slice(1).flatMap((end, index) => writtenOut(tokens.slice((marks[index] as number) + 1, end)))
  const rests = writtenOut(tokens.slice(close + 1))
  return choices.flatMap((choice) => rests.map((rest) => [...tokens.slice(0, open), ...choice, ...rest]))
}

/** Returns where the first braces with alternatives open, separate them and close; empty if there are none. */
function firstBraces(tokens: Tokens): readonly number[] {
  for (let open = tokens.indexOf('{'); open >= 0; open = tokens.indexOf('{', open + 1)) {
    const marks = [open]
    let depth = 0
    for (let at = open; at < tokens.length; at += 1) {
      const token = tokens[at]
      if (token === '{') depth += 1
      if (token === '}') depth -= 1
      if ((token === ',' && depth === 1) || depth === 0) marks.push(at)
      if (depth === 0) break
    }
    if (depth === 0 && marks.length > 2) return marks
  }
  return []
}

function segmentsOf(tokens: Tokens): readonly Tokens[] {
  const end = tokens.indexOf(sep)
  return end < 0 ? [tokens] : [tokens.slice(0, end), ...segmentsOf(tokens.slice(end + 1))]
}

function compileSegments(tokens: Tokens): readonly Wildcard<string>[] {
  const segments = segmentsOf(tokens).map(compileSegment)
  // A trailing `**` does not match the directory itself.
  return segments.at(-1) === 'any' ? [...segments, () => true] : segments
}

function compileSegment(tokens: Tokens): Wildcard<string> {
  if (tokens.length === 1 && tokens[0] === '**') return 'any'
  if (tokens.some(isWild)) {
    const wildcards = tokens.map(compileToken)
    // Characters beyond the BMP have two code units.
    return (name) => takesAll(wildcards, SURROGATE.test(name) ? [...name] : name)
  }
  const literal = tokens.map(unescaped).join('')
  return (name) => name === literal
}

function isWild(token: string): boolean {
  return token.startsWith('*') || token === '?' || isSet(token)
}

function isSet(token: string): boolean {
  return token.length > 1 && token.startsWith('[')
}

function compileToken(token: string): Wildcard<string> {
  if (token.startsWith('*')) return 'any'
  if (token === '?') return () => true
  if (isSet(token)) return compileSet(token)
  const literal = unescaped(token)
  return (character) => character === literal
}

function compileSet(token: string): (character: string) => boolean {
  const [, not, members = ''] = /^\[([!^]?)(.+)\]$/su.exec(token) ?? []
  const ranges = Array.from(members.matchAll(/(\\?.)(?:-(\\?.))?/gsu), ([, first = '', last = first]) => [
    codeOf(first),
    codeOf(last),
  ])
  return (character) => {
    const code = codeOf(character)
    const isMember = ranges.some(([first = 0, last = 0]) => code >= first && code <= last)
    return isMember === (not === '')
  }
}

function codeOf(character: string): number {
  return unescaped(character).codePointAt(0) ?? 0
}

function unescaped(token: string): string {
  return token.length > 1 && token.startsWith('\\') ? token.slice(1) : token
}
