import { afterEach } from 'vitest'
import type { DestinationConfig } from '../../src/config/config.ts'
import type { DestinationContext } from '../../src/ship/destinations/context.ts'
import { createDestination } from '../../src/ship/destinations/create.ts'
import { type HostileIntake, type IntakeOptions, startIntake } from './hostile-intake.ts'

const cleanups: (() => Promise<unknown>)[] = []

/** Call once per test file: whatever was opened through this module is closed after each test, latest first. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
}

export function closing<T extends { close(): Promise<unknown> }>(opened: T): T {
  cleanups.push(() => opened.close())
  return opened
}

export async function openIntake(options: IntakeOptions = {}): Promise<HostileIntake> {
  return closing(await startIntake(options))
}

export function openDestination(config: DestinationConfig, more: Partial<DestinationContext> = {}) {
  const context = { hostname: 'node-1', version: '1.2.3', maxLineBytes: 1_000_000, warn: () => undefined, ...more }
  return closing(createDestination(config, context))
}

/** A signal that never aborts. */
export const never = new AbortController().signal
