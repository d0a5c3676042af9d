/**
 * `copy-limit.ts FILE PORT`: the upper bound for a Node process that copies a file to the sink. Reads 2 MiB blocks while
 * earlier ones are being written to a single connection.
 */
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { connect } from 'node:net'
import { startMeasuring } from './limit-figures.ts'

const blockBytes = 2 * 1024 * 1024
const [, , path = '', port = ''] = process.argv
const file = await open(path)
const { size } = await file.stat()
const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
await once(socket, 'connect')
const report = startMeasuring()
socket.write(`POST / HTTP/1.1\r\nhost: sink\r\ncontent-length: ${size}\r\n\r\n`)
const idle = Array.from({ length: 3 }, () => Buffer.allocUnsafeSlow(blockBytes))
const freed = new EventTarget()
for (let position = 0; position < size; ) {
  if (idle.length === 0) await once(freed, 'freed')
  const block = idle.pop()
  if (block === undefined) continue
  const { bytesRead } = await file.read(block, 0, blockBytes, position)
  position += bytesRead
  socket.write(block.subarray(0, bytesRead), () => {
    idle.push(block)
    freed.dispatchEvent(new Event('freed'))
  })
}
await once(socket, 'data')
report(size)
socket.destroy()
await file.close()
