import { describe, expect, it } from 'vitest'
import { type ArgumentSpec, parseArguments } from '../../src/cli/arguments.ts'

const spec: ArgumentSpec = {
  operands: { placeholder: '[FILE…]', max: 2 },
  options: [
    { name: 'output', short: 'o', value: 'FORMAT', choices: ['text', 'json'], help: '' },
    { name: 'config', short: 'c', value: 'PATH', help: '' },
    { name: 'watch', short: 'w', help: '' },
  ],
}

function parsed(...argv: string[]) {
  const result = parseArguments(argv, spec)
  if (result.kind !== 'arguments') return result
  const { operands, flag, value } = result.arguments
  return { operands, output: value('output'), config: value('config'), watch: flag('watch') }
}

describe('a command line', () => {
  const nothing = { operands: [], output: undefined, config: undefined, watch: false }
  it.each<[string[], object]>([
    [[], nothing],
    [['a', '-w', 'b'], { ...nothing, operands: ['a', 'b'], watch: true }],
    [['-o', 'json'], { ...nothing, output: 'json' }],
    [['-ojson'], { ...nothing, output: 'json' }],
    [['--output=json'], { ...nothing, output: 'json' }],
    [['--output', 'text', '--output', 'json'], { ...nothing, output: 'json' }],
    [['--config=a=b'], { ...nothing, config: 'a=b' }],
    [['--config', '-odd'], { ...nothing, config: '-odd' }],
    [['-wo', 'json'], { ...nothing, output: 'json', watch: true }],
    [['-wwojson'], { ...nothing, output: 'json', watch: true }],
    [['-o=json', '-wc=a=b'], { ...nothing, output: 'json', config: 'a=b', watch: true }],
    [['-', '--', '-w'], { ...nothing, operands: ['-', '-w'] }],
  ])('%j is understood', (argv, expected) => {
    expect(parsed(...argv)).toEqual(expected)
  })

  it.each<[string[], string]>([
    [['--output'], '--output needs a value: text or json'],
    [['--config='], '--config needs a value: PATH'],
    [['-o', 'yaml'], '--output cannot be "yaml": use text or json'],
    [['--output', '--watch'], '--output needs a value: text or json'],
    [['--config', '-o=json'], '--config needs a value: PATH'],
    [['--watch=yes'], '--watch takes no value'],
    [['-w=yes'], '--watch takes no value'],
    [['-wo'], '--output needs a value: text or json'],
    [['a', 'b', 'c'], 'unexpected argument "c"'],
  ])('%j is wrong: %s', (argv, problem) => {
    expect(parsed(...argv)).toEqual({ kind: 'usage', problem })
  })

  it.each([
    ['--wach', '--wach'],
    ['--wach=1', '--wach'],
    ['-x', '-x'],
    ['-xjson', '-x'],
    ['-wx', '-x'],
    ['--w', '--w'],
  ])('%s has no meaning', (word, option) => {
    expect(parsed(word)).toEqual({ kind: 'unknown-option', option })
  })
})
