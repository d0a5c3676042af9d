/** Runs until SIGTERM, and does nothing. */
setInterval(() => undefined, 1000)
process.once('SIGTERM', () => process.exit(0))
