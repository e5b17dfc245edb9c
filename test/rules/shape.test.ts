import t from 'tap'
import ts from 'typescript'
import { parse, program, read, sources, tracked } from './source.ts'

const mostLines = 250
const mostLinesOfFunction = 50

const linesOf = (text: string): number => text.replace(/\n$/, '').split('\n').length

void t.test('no file has more than 250 lines', (t) => {
  t.same(sources.filter((path) => linesOf(read(path) ?? '') > mostLines), [])
  t.end()
})

void t.test('no function has more than 50 lines', (t) => {
  const found: string[] = []
  for (const path of sources) {
    const file = parse(path)
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
        const lines = file.getLineAndCharacterOfPosition(node.end).line - file.getLineAndCharacterOfPosition(node.getStart()).line + 1
        if (lines > mostLinesOfFunction) found.push(`${path}: ${node.getText().split('\n')[0] ?? ''} (${lines})`)
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  t.same(found, [])
  t.end()
})

void t.test('no file is called util, helpers, common or misc', (t) => {
  t.same(tracked.filter((path) => /(^|\/)(utils?|helpers?|common|misc)(\/|\.|$)/i.test(path)), [])
  t.end()
})

void t.test('only run.ts acts when it is imported', (t) => {
  const harmless = (statement: ts.Statement): boolean =>
    ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement) || ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement) || ts.isVariableStatement(statement)
  const found = program.filter((path) => path !== 'run.ts').flatMap((path) => parse(path).statements.filter((one) => !harmless(one)).map((one) => `${path}: ${one.getText().split('\n')[0] ?? ''}`))
  t.same(found, [])
  const awaiting = program.filter((path) => path !== 'run.ts' && parse(path).statements.some((one) => ts.isVariableStatement(one) && /=\s*await\b/.test(one.getText().split('\n')[0] ?? '')))
  t.same(awaiting, [], 'nor waits')
  t.end()
})

void t.test('nothing is left undone, silenced, or run alone', (t) => {
  // Written in two halves, so that this file does not find itself.
  const words = ['TO' + 'DO', 'FIX' + 'ME', '@ts-' + 'ignore', '@ts-' + 'nocheck', 'eslint-' + 'disable', '.on' + 'ly(', '.sk' + 'ip(', 'todo' + ': true', 'skip' + ': true']
  const found = sources.flatMap((path) => words.filter((word) => (read(path) ?? '').includes(word)).map((word) => `${path}: ${word}`))
  t.same(found, [])
  t.end()
})

void t.test('no part of the program ends the process or writes past its output', (t) => {
  const found = program.filter((path) => path !== 'run.ts' && /\bconsole\.|process\.(exit|stdout|stderr|argv)\b/.test(read(path) ?? ''))
  t.same(found, [])
  t.end()
})
