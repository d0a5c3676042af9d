import { Buffer } from 'node:buffer'
import { KERNEL_WASM } from './kernel.wasm.ts'

/**
 * The contract between a body and the loop that encodes its lines. Both share one memory, which begins with the job: 32-bit
 * words, with absolute addresses. A call encodes lines from `source` on into records from `target` on, advances both, and
 * returns why it stopped.
 */
export interface Kernel {
  readonly bytes: Buffer
  /** The same memory. */
  readonly words: Uint32Array
  /** Each line is one JSON object, as far as brackets and strings tell, and stays unchanged; `source` may equal `target`. */
  objects(): number
  /** As `objects`, with `head`, `middle` and the time in place of the opening brace. */
  attributes(): number
  /** Each line becomes a JSON string between `head` and `middle`, the time and `tail`. */
  messages(): number
  /** Everything up to `sourceEnd`, except the last byte, becomes one message, whatever it contains (valid UTF-8). */
  message(): number
}

/** Words of the job, by index. */
export const word = {
  source: 0,
  sourceEnd: 1,
  /** Where the next record begins. */
  target: 2,
  /** A record with its comma must not exceed this, unless it is the only one. */
  targetEnd: 3,
  records: 4,
  maxRecords: 5,
  maxLineBytes: 6,
  /** Each call adds the newline bytes of empty lines. */
  emptyBytes: 7,
  /** Of an odd line, which begins at `source`. */
  oddEnd: 8,
  oddNext: 9,
  /** Where the entries are, one per record. */
  table: 10,
  head: 11,
  headBytes: 12,
  middle: 13,
  middleBytes: 14,
  tail: 15,
  tailBytes: 16,
  /** Decimal digits: the time for a line without its own. */
  clock: 17,
  clockBytes: 18,
  /** With `stop.tight`: how many bytes must lie between `target` and `source`. */
  way: 19,
} as const

/** Words of a table entry: where the record begins, where its line's bytes begin, the line's length with its newline. */
export const entry = { start: 0, payload: 1, lineBytes: 2, words: 3 } as const

/** Why a call returned. `tight`: the next record might overwrite lines not encoded yet. */
export const stop = { partial: 0, full: 1, tooLong: 2, nul: 3, notJson: 4, glued: 5, invalidUtf8: 6, tight: 7 } as const

/** After the words come the kernel's tables and state. Bodies lay out their memory from here on. */
export const KERNEL_BYTES = 8192
/** The kernel may load, and store garbage, this far beyond a source or a target. */
export const SLACK_BYTES = 256
/** The beginning of an audit event as kube-apiserver serialises it. */
export const AUDIT_EVENT_START = '{"kind":"Event","apiVersion":"audit.k8s.io/'

const PAGE = 65_536
let compiled: WebAssembly.Module | undefined

/** Creates a kernel and its memory, which never grows, so that views of it stay valid. Pages cost nothing until touched. */
export function createKernel(memoryBytes: number): Kernel {
  const pages = Math.ceil(memoryBytes / PAGE)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_WASM, 'base64'))
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  const loops = exports as unknown as Loops
  loops.prepare()
  return { ...loops, bytes: Buffer.from(memory.buffer), words: new Uint32Array(memory.buffer) }
}

type Loops = Omit<Kernel, 'bytes' | 'words'> & { prepare(): void }
