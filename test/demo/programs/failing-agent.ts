/** Cannot start. */
process.stderr.write(`${JSON.stringify({ level: 'error', message: 'no room', component: 'agent' })}\n`)
process.exitCode = 3
