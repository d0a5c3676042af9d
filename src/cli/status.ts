import { type StatusSection, statusSections } from '../observe/render.ts'
import type { Arguments } from './arguments.ts'
import { writeColored } from './color.ts'
import { checkNames, reportCheck } from './health.ts'
import { type ExitCode, exitCode, type Io } from './io.ts'
import { runPathOf } from './run-path.ts'
import { type StatusFormat, viewStatus } from './status-view.ts'
import { usageError } from './usage.ts'

/** `agent status`. */
export async function status(args: Arguments, io: Io): Promise<ExitCode> {
  const check = checkNames.find((name) => name === args.value('check'))
  const sections = sectionsOf(args)
  if (sections === undefined)
    return usageError('status', `no section "${args.operands[0]}": use ${statusSections.join(', ')}`, io)
  if (check !== undefined && args.flag('watch'))
    return usageError('status', '--check and --watch exclude each other', io)

  const runPath = await runPathOf(args, io)
  if (runPath === undefined) return exitCode.configuration
  if (check !== undefined) return reportCheck(check, runPath, io)
  const view = () => viewStatus({ runPath, sections, format: formatOf(args) })
  if (args.flag('watch')) {
    const { watch } = await import('./watch.ts')
    return watch(async () => {
      const { err, out } = await view()
      return err + out
    }, io)
  }
  const { err, out, exitCode: code } = await view()
  writeColored(io.stderr, err)
  writeColored(io.stdout, out)
  return code
}

/** Users of the Datadog Agent say `status "logs agent"`. */
function sectionsOf(args: Arguments): readonly StatusSection[] | undefined {
  const [operand] = args.operands
  if (operand === undefined) return statusSections
  const name = operand.toLowerCase().replace(/ agent$/, '')
  const section = statusSections.find((one) => one === name)
  return section && [section]
}

/** While watching, each view is one line for a program. */
function formatOf(args: Arguments): StatusFormat {
  const indented = args.value('output') === 'json' || args.flag('pretty-json')
  if (args.flag('json') || (indented && args.flag('watch'))) return 'json-line'
  return indented ? 'json' : 'text'
}
