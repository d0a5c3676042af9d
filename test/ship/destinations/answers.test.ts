import { describe, expect, it } from 'vitest'
import { datadogConfig, sendRequest, webhookConfig } from '../../support/destination-config.ts'
import { closeAfterEach, never, openDestination, openIntake } from '../../support/destinations.ts'

closeAfterEach()

const destinations = {
  datadog: (url: string) => datadogConfig(url),
  webhook: (url: string) => webhookConfig(url),
}

for (const [type, configOf] of Object.entries(destinations)) {
  describe(`an answer to ${type}`, () => {
    const rows: readonly [status: number, verdict: object][] = [
      [200, { kind: 'delivered' }],
      [204, { kind: 'delivered' }],
      [299, { kind: type === 'datadog' ? 'delivered' : 'retry' }],
      [302, { kind: 'retry', status: 302 }],
      [400, { kind: 'rejected', status: 400 }],
      [401, { kind: 'retry', status: 401, unauthorized: true }],
      [403, { kind: 'retry', status: 403, unauthorized: true }],
      [404, { kind: 'rejected', status: 404 }],
      [408, { kind: 'retry', status: 408 }],
      [413, { kind: 'too-large', status: 413 }],
      [422, { kind: 'rejected', status: 422 }],
      [429, { kind: 'retry', status: 429, retryAfterMs: 7000 }],
      [500, { kind: 'retry', status: 500 }],
      [503, { kind: 'retry', status: 503, retryAfterMs: 7000 }],
    ]
    for (const [status, verdict] of rows) {
      it(`of ${status} means ${JSON.stringify(verdict)}`, async () => {
        const headers = { ...(status === 429 || status === 503 ? { 'retry-after': '7' } : {}) }
        const intake = await openIntake({ script: [{ kind: 'answer', status, headers }] })
        expect(await openDestination(configOf(intake.url)).send(sendRequest('[]'), never)).toMatchObject(verdict)
      })
    }

    it('that redirects is not followed', async () => {
      const elsewhere = await openIntake()
      const headers = { location: `${elsewhere.url}/login?token=abc` }
      const intake = await openIntake({ script: [{ kind: 'answer', status: 307, headers }] })
      expect(await openDestination(configOf(intake.url)).send(sendRequest('[]'), never)).toEqual({
        kind: 'retry',
        status: 307,
        reason: `HTTP 307 Temporary Redirect: redirects to ${elsewhere.url}/login are not followed, configure the final address`,
      })
      expect(elsewhere.connections).toBe(0)
    })

    it('that was lost leads to the same bytes under the same id', async () => {
      const intake = await openIntake({ script: [{ kind: 'lost-reply' }, { kind: 'answer', status: 500 }] })
      const destination = openDestination(configOf(intake.url))
      const request = sendRequest('[{"a":1}]', 'id-7')
      for (const kind of ['retry', 'retry', 'delivered']) {
        expect(await destination.send(request, never)).toMatchObject({ kind })
      }
      expect(intake.requests.map(({ id, body }) => [id, body.toString()])).toEqual(
        Array.from({ length: 3 }, () => ['id-7', '[{"a":1}]']),
      )
      expect(intake.records()).toEqual([{ a: 1 }, { a: 1 }])
    })
  })
}
