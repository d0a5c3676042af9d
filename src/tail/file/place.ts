import { Fault, type FileFacts } from './files.ts'

/** Where the content of a generation can be read now. */
export interface Place {
  readonly path: string
  readonly facts: FileFacts
  /** Set for a gzip archive: the size of its content. */
  readonly inflatedSize?: number
}

export const NO_PLACE = new Fault('ENOENT', 'its content is not at a known place')
