import { renderMetrics } from './metrics.ts'
import type { Check, Status } from './status.ts'

/** The local server's response to one request. */
export interface Answer {
  readonly code: 200 | 404 | 405 | 500 | 503
  readonly contentType: string
  readonly text: string
  readonly allow?: string
}

const pages: Readonly<Record<string, (status: Status) => Answer>> = {
  '/live': (status) => checked(status.health.live),
  '/ready': (status) => checked(status.health.ready),
  '/startup': (status) => checked(status.health.startup),
  '/status': (status) => json(200, status),
  '/metrics': (status) => ({
    code: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    text: renderMetrics(status),
  }),
}

/** The answer if the status cannot be built; the log says why. */
export const brokenAnswer: Answer = json(500, { error: 'internal error' })

/** Answers GET and HEAD of the pages above. Ignores a query string. */
export function answerRequest(method: string, target: string, status: () => Status): Answer {
  const path = target.split('?', 1)[0] ?? ''
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return json(404, { error: 'not found', pages: Object.keys(pages) })
  if (method !== 'GET' && method !== 'HEAD') return { ...json(405, { error: 'only GET and HEAD' }), allow: 'GET, HEAD' }
  return page(status())
}

function checked(check: Check): Answer {
  return json(check.ok ? 200 : 503, check)
}

function json(code: Answer['code'], value: unknown): Answer {
  return { code, contentType: 'application/json; charset=utf-8', text: `${JSON.stringify(value)}\n` }
}
