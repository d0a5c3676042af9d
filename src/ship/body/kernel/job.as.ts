/** The job's words by address, numbered like `word` in kernel.ts. */

export const SOURCE: usize = 4 * 0
export const SOURCE_END: usize = 4 * 1
export const TARGET: usize = 4 * 2
export const TARGET_END: usize = 4 * 3
export const RECORDS: usize = 4 * 4
export const MAX_RECORDS: usize = 4 * 5
export const MAX_LINE_BYTES: usize = 4 * 6
export const EMPTY_BYTES: usize = 4 * 7
export const ODD_END: usize = 4 * 8
export const ODD_NEXT: usize = 4 * 9
export const TABLE: usize = 4 * 10
export const ENTRY_BYTES: usize = 4 * 3
export const HEAD: usize = 4 * 11
export const HEAD_BYTES: usize = 4 * 12
export const MIDDLE: usize = 4 * 13
export const MIDDLE_BYTES: usize = 4 * 14
export const TAIL: usize = 4 * 15
export const TAIL_BYTES: usize = 4 * 16
export const CLOCK: usize = 4 * 17
export const CLOCK_BYTES: usize = 4 * 18
export const WAY: usize = 4 * 19

/** As in kernel.ts. Covers a record's time along with its text, and what vectors store beyond its end. */
export const SLACK_BYTES: usize = 256

/** Why a call returned, as `stop` in kernel.ts. */
export const PARTIAL: i32 = 0
export const FULL: i32 = 1
export const TOO_LONG: i32 = 2
export const NUL: i32 = 3
export const NOT_JSON: i32 = 4
export const GLUED: i32 = 5
export const INVALID_UTF8: i32 = 6
export const TIGHT: i32 = 7
