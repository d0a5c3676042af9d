/** A receiver in another process: `fork('receiver.ts', [protocol])` sends its port, then reads and accepts everything. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { serverIdentity } from './tls-fixtures.ts'

function accept(request: IncomingMessage, response: ServerResponse): void {
  request.resume().on('end', () => response.writeHead(202).end('{}'))
}

function serverOf(protocol: string | undefined) {
  switch (protocol) {
    case 'HTTP/1.1':
      return createServer(accept)
    case 'HTTP/1.1 over TLS':
      return createTlsServer(serverIdentity(), accept)
    default:
      return createSecureServer(serverIdentity(), (request, response) => {
        request.resume().on('end', () => response.writeHead(202).end('{}'))
      })
  }
}

const server = serverOf(process.argv[2])
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
