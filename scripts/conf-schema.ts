import { writeFileSync } from 'node:fs'
import * as z from 'zod/mini'
import { confSchema } from '../src/config/schema.ts'

/** The JSON Schema of conf.yaml for editors, most of which support no draft newer than 7. */
export function confJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(confSchema, { io: 'input', target: 'draft-07' })
  return { ...JSON.parse(JSON.stringify(schema)), title: 'conf.yaml of tailship' }
}

if (import.meta.main) {
  writeFileSync(
    new URL('../config/conf.schema.json', import.meta.url),
    `${JSON.stringify(confJsonSchema(), undefined, 2)}\n`,
  )
}
