import { type ExitCode, exitCode, type Io } from '../io.ts'
import { askStatus, type Unanswered } from '../observe/ask-status.ts'
import { renderStatus, type StatusSection, statusSections } from '../observe/render.ts'
import { type Arguments, oneOf } from './arguments.ts'
import { writeColored } from './color.ts'
import { type RunPath, runPathOf } from './find-run-path.ts'
import { explainUnreachable, renderUnreachable } from './unreachable.ts'
import { usageError } from './usage.ts'

/** An agent's status, printed once or repeatedly; exit code 0 means that it is alive and ready. */
export async function showStatus(args: Arguments, runPath: RunPath, io: Io): Promise<ExitCode> {
  const sections = sectionsOf(args)
  if (sections === undefined) {
    return usageError('status', `no section "${args.operands[0]}": use ${oneOf(statusSections)}`, io)
  }
  const { TAILSHIP_SOCKET: _, ...env } = io.env
  const positionsAt = async () => (await runPathOf(args, { ...io, env })) ?? runPath
  const options = { runPath, positionsAt, sections, format: formatOf(args) }
  if (args.flag('watch')) {
    const { watch } = await import('./watch.ts')
    return watch(() => viewStatus(options).then(({ err, out }) => err + out), io)
  }
  const view = await viewStatus(options)
  writeColored(io.stderr, view.err)
  writeColored(io.stdout, view.out)
  return view.exitCode
}

/** Users of the Datadog Agent say `status "logs agent"`. */
function sectionsOf(args: Arguments): readonly StatusSection[] | undefined {
  const [operand] = args.operands
  if (operand === undefined) return statusSections
  const name = operand.toLowerCase().replace(/ agent$/, '')
  const section = statusSections.find((one) => one === name)
  return section && [section]
}

/** `json` is indented, `json-line` is one line. */
type Format = 'text' | 'json' | 'json-line'

/** While watching, JSON has one line per view, so that a program can tell the views apart. */
function formatOf(args: Arguments): Format {
  const indented = args.value('output') === 'json' || args.flag('pretty-json')
  if (args.flag('json') || (indented && args.flag('watch'))) return 'json-line'
  return indented ? 'json' : 'text'
}

interface ViewOptions {
  readonly runPath: RunPath
  /** Finds the run path, which $TAILSHIP_SOCKET does not tell. Called only if no agent answers: it may load the configuration. */
  readonly positionsAt: () => Promise<RunPath>
  readonly format: Format
  readonly sections: readonly StatusSection[]
}

interface View {
  readonly out: string
  readonly err: string
  readonly exitCode: ExitCode
}

async function viewStatus(options: ViewOptions): Promise<View> {
  const asked = await askStatus(options.runPath.socket)
  if (asked.kind !== 'status') return viewOffline(asked, options)
  const { status } = asked
  const out = options.format === 'text' ? renderStatus(status, options.sections) : json(status, options.format)
  const healthy = status.health.live.ok && status.health.ready.ok
  return { out, err: '', exitCode: healthy ? exitCode.ok : exitCode.unhealthy }
}

async function viewOffline(reply: Unanswered, { runPath: asked, positionsAt, format }: ViewOptions): Promise<View> {
  const runPath = { ...(await positionsAt()), socket: asked.socket }
  const unreachable = explainUnreachable(reply, runPath)
  // Imported only if there is no agent.
  const { describePositions, readPositions, renderPositions } = await import('./positions.ts')
  const positions = await readPositions(runPath.path)
  const { reason, advice } = unreachable
  const out =
    format === 'text'
      ? renderPositions(positions, Date.now())
      : json({ schema: 'tailship.offline/v1', reason, advice, checkpoint: describePositions(positions) }, format)
  return { out, err: renderUnreachable(unreachable), exitCode: unreachable.exitCode }
}

function json(value: unknown, format: 'json' | 'json-line'): string {
  return `${JSON.stringify(value, undefined, format === 'json' ? 2 : undefined)}\n`
}
