import { writeSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDeadLetter } from '../../../src/ship/dead-letter/dead-letter.ts'
import { decodeEntry } from '../../../src/ship/dead-letter/entry.ts'
import { entryOf } from './entries.ts'

const [root = '', mode] = process.argv.slice(2)
const line = 'x'.repeat(20_000)

if (mode === 'forever') {
  const deadLetter = await openDeadLetter({ dir: root, maxBytes: 1e9, segmentBytes: 50_000 })
  for (;;) {
    const { kind } = await deadLetter.write([entryOf(line)])
    writeSync(1, `${kind}\n`)
  }
}

// Writes until the disk refuses, tries what fits in part, makes room, writes once more, and says what is there then.
const dir = join(root, 'dead-letter')
await writeFile(join(root, 'filler'), Buffer.alloc(100_000))
const deadLetter = await openDeadLetter({ dir, maxBytes: 1e9, segmentBytes: 50_000 })
let stored = 0
let written = await deadLetter.write([entryOf(line)])
while (written.kind === 'stored') {
  stored += 1
  written = await deadLetter.write([entryOf(line)])
}
const refused = written
for (let n = 0; n < 5; n++) await deadLetter.write(Array.from({ length: 200 }, () => entryOf('a few of these fit')))
await rm(join(root, 'filler'))
if ((await deadLetter.write([entryOf(line)])).kind === 'stored') stored += 1
const texts = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), 'utf8')))
const whole = texts
  .join('')
  .split('\n')
  .slice(0, -1)
  .map(decodeEntry)
  .filter((entry) => entry !== undefined).length
writeSync(1, JSON.stringify({ stored, refused, counted: deadLetter.records, whole }))
