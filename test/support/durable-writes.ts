/** For a test that traces its system calls: `node durable-writes.ts dead-letter|store DIRECTORY` writes once. */
import { join } from 'node:path'
import { openStore } from '../../src/checkpoint/store.ts'
import { openDeadLetter } from '../../src/ship/dead-letter/dead-letter.ts'
import { entryOf } from '../ship/dead-letter/entries.ts'

const [what, directory = ''] = process.argv.slice(2)
const written =
  what === 'store'
    ? await (await openStore({ dir: directory })).save({ n: 1 })
    : await (await openDeadLetter({ dir: join(directory, 'dead-letter'), maxBytes: 1e6 })).write([entryOf('a line')])
if (written.kind !== 'saved' && written.kind !== 'stored') throw new Error(written.kind)
