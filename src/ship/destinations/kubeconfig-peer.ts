import type { WebhookConfig } from '../../config/config.ts'
import { problemSentence } from '../../config/problem.ts'
import { readSmallFile } from '../small-file.ts'
import type { DestinationContext } from './context.ts'
import { parseKubeconfig } from './kubeconfig.ts'
import { peerOfKubeconfig, type WebhookPeer } from './webhook-peer.ts'

export type PeerState =
  | { readonly kind: 'found'; readonly peer: WebhookPeer }
  /** `reason` names the file and the remedy, but never quotes the file. */
  | { readonly kind: 'missing'; readonly reason: string }

const RECHECK_MS = 10_000

/** The peer of a kubeconfig, which may appear later and change. While the file is unusable, the previous peer stays in use. */
export class KubeconfigPeer {
  readonly #config: WebhookConfig
  readonly #context: DestinationContext
  readonly #path: string
  #checkedAt = Number.NEGATIVE_INFINITY
  #text: string | undefined
  #lastReason: string | undefined
  #state: PeerState
  #checking: Promise<void> | undefined
  /** The previous peer, still open because requests that were given it may not have begun yet. */
  #retired: WebhookPeer | undefined
  #closing: Promise<unknown> = Promise.resolve()

  constructor(path: string, config: WebhookConfig, context: DestinationContext) {
    this.#path = path
    this.#config = config
    this.#context = context
    this.#state = { kind: 'missing', reason: `${path}: not read yet` }
  }

  get shown(): string {
    return this.#state.kind === 'found' ? this.#state.peer.shown : `of ${this.#path}`
  }

  async current(): Promise<PeerState> {
    const { now } = this.#context
    if (this.#state.kind === 'missing' || now() - this.#checkedAt >= RECHECK_MS) {
      this.#checkedAt = now()
      this.#checking ??= this.#check().finally(() => {
        this.#checking = undefined
      })
    }
    await this.#checking
    return this.#state
  }

  async close(): Promise<void> {
    if (this.#state.kind === 'found') await this.#state.peer.transport.close()
    this.#closeRetired()
    await this.#closing
  }

  async #check(): Promise<void> {
    this.#closeRetired()
    const file = await readSmallFile(this.#path)
    if (file.kind === 'unreadable') return this.#unusable(`${this.#path}: cannot be read (${file.why})`)
    if (file.text === this.#text) return
    const parsed = parseKubeconfig(file.text, this.#path)
    if (parsed.kind === 'invalid') return this.#unusable(summary(parsed.problems.map(problemSentence)))
    this.#text = file.text
    this.#lastReason = undefined
    for (const warning of parsed.warnings) this.#context.warn(problemSentence(warning))
    const before = this.#state
    this.#state = { kind: 'found', peer: peerOfKubeconfig(parsed.endpoint, this.#config, this.#context) }
    if (before.kind === 'found') this.#retired = before.peer
  }

  /** Runs at the check after the change, 10 s later; requests begun by then may finish. */
  #closeRetired(): void {
    if (this.#retired) this.#closing = Promise.all([this.#closing, this.#retired.transport.close()])
    this.#retired = undefined
  }

  #unusable(reason: string): void {
    if (this.#state.kind === 'missing') this.#state = { kind: 'missing', reason }
    else if (reason !== this.#lastReason) this.#context.warn(`${reason}; going on as before`)
    this.#lastReason = reason
  }
}

function summary([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} (and ${others.length} more)`
}
