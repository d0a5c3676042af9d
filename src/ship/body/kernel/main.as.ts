/**
 * AssemblyScript, compiled by scripts/build-kernel.ts into kernel.wasm.ts: the loops of kernel.ts's contract, with 128-bit
 * vectors. No heap and no objects: everything lies in the imported memory, which begins with the job's words (numbered like
 * `word` in kernel.ts), the state of time.as.ts and the tables of utf8.as.ts, escape.as.ts and vectors.as.ts.
 *
 * A line is loaded in blocks of 16 or 64 bytes from its own start, and what a block holds after the line's end is masked. Loads
 * may therefore pass the end of the source, and stores the end of a record, by less than SLACK_BYTES. A message is escaped
 * while its line is scanned, before it is known where it ends and whether it will be taken. That writes at most two bytes for
 * each byte of the source.
 */

import { escapeAny, prepareEscapes } from './escape.as'
import {
  EMPTY_BYTES, ENTRY_BYTES, FULL, GLUED, HEAD, HEAD_BYTES, INVALID_UTF8, MAX_LINE_BYTES, MAX_RECORDS, MIDDLE, MIDDLE_BYTES,
  NOT_JSON, NUL, ODD_END, ODD_NEXT, PARTIAL, RECORDS, SLACK_BYTES, SOURCE, SOURCE_END, TABLE, TAIL, TAIL_BYTES,
  TARGET, TARGET_END, TIGHT, TOO_LONG, WAY,
} from './job.as'
import { isObject, sawHigh as sawHighInObject, scanObject } from './object.as'
import { sawControl, sawEvent, sawHigh, sawTarget, scanText } from './text.as'
import { prepareTimes, writeTime } from './time.as'
import { isGlued } from './torn.as'
import { isUtf8, prepareUtf8 } from './utf8.as'
import { copy, copyLine, prepareVectors } from './vectors.as'

const OBJECTS: i32 = 0
const ATTRIBUTES: i32 = 1
const MESSAGES: i32 = 2

export function prepare(): void {
  prepareVectors()
  prepareEscapes()
  prepareTimes()
  prepareUtf8()
}

export function objects(): i32 {
  return encode(OBJECTS)
}

export function attributes(): i32 {
  return encode(ATTRIBUTES)
}

export function messages(): i32 {
  return encode(MESSAGES)
}

export function message(): i32 {
  if (load<u32>(RECORDS) >= load<u32>(MAX_RECORDS) || !fits(leastEnd(MESSAGES, 0))) return FULL
  const source: usize = load<u32>(SOURCE)
  const end: usize = load<u32>(SOURCE_END)
  return takeMessage(source, end - 1, end, escapeAny(source, end - 1, copyHead())) ? PARTIAL : FULL
}

@inline
function encode(format: i32): i32 {
  const sourceEnd: usize = load<u32>(SOURCE_END)
  const maxRecords = load<u32>(MAX_RECORDS)
  const maxLine: usize = load<u32>(MAX_LINE_BYTES)
  while (true) {
    const source: usize = load<u32>(SOURCE)
    if (load<u32>(RECORDS) >= maxRecords) return FULL
    if (source == sourceEnd) return PARTIAL
    const first = load<u8>(source)
    if (first <= 13) {
      if (first == 0) return nul(source, sourceEnd)
      const newline = source + usize(first == 13 && source + 1 < sourceEnd)
      if (load<u8>(newline) == 10) {
        store<u32>(EMPTY_BYTES, load<u32>(EMPTY_BYTES) + <u32>(newline + 1 - source))
        store<u32>(SOURCE, <u32>(newline + 1))
        continue
      }
    }
    // The size is known only after escaping, which requires that the list is not over its limit already.
    if (format == MESSAGES && !fits(leastEnd(format, 0))) return FULL
    const found = format == MESSAGES ? scanText(source, sourceEnd, copyHead()) : scanObject(source, sourceEnd)
    const whole = found < sourceEnd
    const end = whole ? found : sourceEnd
    const contentEnd = end - usize(load<u8>(end - 1) == 13)
    if (contentEnd - source > maxLine) {
      return whole ? odd(TOO_LONG, contentEnd, found + 1) : odd(TOO_LONG, sourceEnd, sourceEnd)
    }
    if (!whole) return fits(leastEnd(format, end - source)) ? PARTIAL : FULL
    if (format == MESSAGES) {
      if (sawEvent != 0 && isGlued(source, sawEvent, sourceEnd)) return odd(GLUED, contentEnd, found + 1)
    } else if (!isObject) return odd(NOT_JSON, contentEnd, found + 1)
    const high = format == MESSAGES ? sawHigh : sawHighInObject
    if (high && !isUtf8(source, contentEnd)) return odd(INVALID_UTF8, contentEnd, found + 1)
    if (format == ATTRIBUTES) {
      if (!fits(leastEnd(format, contentEnd - source))) return FULL
      if (isTight(source)) return TIGHT
    }
    let taken: bool
    if (format == OBJECTS) taken = takeObject(source, end)
    else if (format == ATTRIBUTES) taken = takeAttributes(source, end)
    else {
      const target = sawControl ? escapeAny(source, contentEnd, copyHead()) : sawTarget - (end - contentEnd)
      taken = takeMessage(source, contentEnd, found + 1, target)
    }
    if (!taken) return FULL
  }
}

function nul(source: usize, sourceEnd: usize): i32 {
  let end = source
  while (end < sourceEnd && load<u8>(end) == 0) end++
  return odd(NUL, end, end)
}

function odd(code: i32, end: usize, next: usize): i32 {
  store<u32>(ODD_END, <u32>end)
  store<u32>(ODD_NEXT, <u32>next)
  return code
}

/**
 * Whether a record could overwrite the next line. It may overwrite its own line, which is copied from the front after the time
 * has been read from it.
 */
@inline
function isTight(source: usize): bool {
  const way = aroundBytes() + SLACK_BYTES
  if (source >= <usize>load<u32>(TARGET) + way) return false
  store<u32>(WAY, <u32>way)
  return true
}

/** Size of a record's constant text. */
@inline
function aroundBytes(): usize {
  return load<u32>(HEAD_BYTES) + load<u32>(MIDDLE_BYTES) + load<u32>(TAIL_BYTES)
}

/** Returns where a record would end if nothing in its line had to be escaped. */
function leastEnd(format: i32, lineBytes: usize): usize {
  return <usize>load<u32>(TARGET) + (format == OBJECTS ? 0 : aroundBytes()) + lineBytes
}

/** Whether a record may end there: within the limit, or anywhere if it is the only one. */
@inline
function fits(recordEnd: usize): bool {
  return recordEnd < <usize>load<u32>(TARGET_END) || load<u32>(RECORDS) == 0
}

/** Completes a record of the bytes from `source` to `next`: writes its comma and its table entry. */
@inline
function take(payload: usize, recordEnd: usize, next: usize): bool {
  const records = load<u32>(RECORDS)
  store<u8>(recordEnd, 0x2c)
  const entry = <usize>load<u32>(TABLE) + <usize>records * ENTRY_BYTES
  store<u32>(entry, load<u32>(TARGET))
  store<u32>(entry, <u32>payload, 4)
  store<u32>(entry, <u32>next - load<u32>(SOURCE), 8)
  store<u32>(RECORDS, records + 1)
  store<u32>(TARGET, <u32>(recordEnd + 1))
  store<u32>(SOURCE, <u32>next)
  return true
}

@inline
function takeObject(source: usize, end: usize): bool {
  const target: usize = load<u32>(TARGET)
  const recordEnd = target + (end - source)
  if (!fits(recordEnd)) return false
  if (target != source) memory.copy(target, source, end - source)
  return take(target, recordEnd, end + 1)
}

function takeAttributes(source: usize, end: usize): bool {
  let rest = source
  while (load<u8>(rest) != 0x7b) rest++
  rest++
  let target = copyHead()
  target = copy(target, load<u32>(MIDDLE), load<u32>(MIDDLE_BYTES))
  target = writeTime(source, end, target)
  let next = rest
  while (load<u8>(next) == 32 || load<u8>(next) == 9) next++
  if (load<u8>(next) != 0x7d) store<u8>(target++, 0x2c)
  const recordEnd = target + (end - rest)
  if (!fits(recordEnd)) return false
  copyLine(target, rest, end - rest)
  return take(target, recordEnd, end + 1)
}

/** Begins the next record. */
@inline
function copyHead(): usize {
  return copy(load<u32>(TARGET), load<u32>(HEAD), load<u32>(HEAD_BYTES))
}

/** Completes a message whose text has been written up to `target`. */
function takeMessage(source: usize, end: usize, next: usize, target: usize): bool {
  target = copy(target, load<u32>(MIDDLE), load<u32>(MIDDLE_BYTES))
  target = writeTime(source, end, target)
  target = copy(target, load<u32>(TAIL), load<u32>(TAIL_BYTES))
  return fits(target) && take(load<u32>(TARGET) + load<u32>(HEAD_BYTES), target, next)
}
