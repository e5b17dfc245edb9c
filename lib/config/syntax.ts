/**
 * Text to YAML's tree, or to mistakes.
 *
 * yaml's messages are not used: some repeat what stands in the file, and where the syntax is broken
 * nothing tells a password from anything else. Each of its codes has a sentence of ours instead.
 */
import { LineCounter, isScalar, parseDocument, visit, type Document, type ErrorCode, type YAMLError } from 'yaml'
import { isKnownKey } from './json-schema.ts'
import type { Found } from './mistakes.ts'

const longest = 256 * 1024

/** Where there are more, nobody looks for the quote that began it. */
const mostErrors = 20

type Advice = readonly [message: string, write: string]

const advice: Partial<Record<ErrorCode, Advice>> = {
  TAB_AS_INDENT: ['a tab is used to indent', 'write two spaces instead'],
  BAD_INDENT: ['this line is not indented like its neighbours', 'begin keys of one section in the same column'],
  MISSING_CHAR: ['a colon, a quote or a bracket is missing here', 'write key: value and close what was opened'],
  BAD_SCALAR_START: ['a value cannot begin with this character', 'write the value in quotes'],
  BLOCK_AS_IMPLICIT_KEY: ['there is a second colon in this line', 'write the value in quotes, or the second key on its own line'],
  BLOCK_IN_FLOW: ['a list or map begins on lines of its own inside brackets', 'write it within the brackets'],
  MULTILINE_IMPLICIT_KEY: ['a key goes over two lines', 'write key: value on one line'],
  KEY_OVER_1024_CHARS: ['a key is longer than 1024 characters', 'write key: value'],
  BAD_DQ_ESCAPE: ['there is no such escape after the backslash', 'write the value in single quotes'],
  BAD_ALIAS: ['this is not an alias', 'write a value that begins with * in quotes'],
  BAD_DIRECTIVE: ['this is not a YAML directive', 'write a value that begins with % in quotes'],
  TAG_RESOLVE_FAILED: ['there is no such tag', 'write a value that begins with ! in quotes'],
  BAD_COLLECTION_TYPE: ['this tag is for another kind of value', 'leave the tag out'],
  MULTIPLE_DOCS: ['a second document begins here', 'keep one and leave out the line ---'],
  RESOURCE_EXHAUSTION: ['brackets or lists are nested too deep here', 'write it flatter'],
}
const otherwise: Advice = ['this is not YAML', 'write key: value, two spaces deeper than the section it belongs to']

export interface Parsed {
  document?: Document
  found: Found[]
}

export function parseYaml(text: string): Parsed {
  const unreadable = notText(text)
  if (unreadable !== undefined) return { found: [unreadable] }
  try {
    const document = parseDocument(text, {
      // Said once more by us, with the place in the tree; yaml compares each key with each.
      uniqueKeys: false,
      // A %YAML 1.1 line must not turn `yes` into true and texts into dates.
      schema: 'core',
      merge: false,
      resolveKnownTags: false,
      prettyErrors: false,
      logLevel: 'error',
    })
    return { document, found: oncePerLine(text, document) }
  } catch {
    return { found: [at(0, otherwise)] }
  }
}

export function lineCounter(text: string): LineCounter {
  const counter = new LineCounter()
  counter.addNewLine(0)
  for (let next = text.indexOf('\n'); next !== -1; next = text.indexOf('\n', next + 1)) counter.addNewLine(next + 1)
  return counter
}

function notText(text: string): Found | undefined {
  if (text.length > longest) return at(0, [`the file is larger than ${longest / 1024} KiB`, 'name a configuration of airstrip'])
  const control = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f\ufffd\ufffe\uffff]/u)
  if (control === -1) return undefined
  const code = text.charCodeAt(control).toString(16).padStart(4, '0')
  return at(control, [`a character that is not text (U+${code})`, 'save the file as UTF-8 and leave the character out'])
}

/** The first in a line is the cause; what follows it is how the parser fell. */
function oncePerLine(text: string, document: Document): Found[] {
  const counter = lineCounter(text)
  const found = new Map<number, Found>()
  for (const error of [...document.errors, ...document.warnings]) {
    const mistake = openQuote(document, error) ?? at(Math.min(error.pos[0], text.length), advice[error.code] ?? otherwise)
    const { line } = counter.linePos(mistake.offset)
    if (!found.has(line)) found.set(line, { ...mistake, text: knownKey(text.slice(counter.lineStarts[line - 1])) })
  }
  return [...found.values()]
}

/** yaml notices at the end of the file; the mistake is where the quote was opened. */
function openQuote(document: Document, { code, pos }: YAMLError): Found | undefined {
  if (code !== 'MISSING_CHAR' || document.errors.length > mostErrors) return undefined
  let start: number | undefined
  visit(document, (_, node) => {
    const open = isScalar(node) && node.type?.startsWith('QUOTE') === true && node.range?.[1] === pos[0]
    if (open) start = node.range?.[0]
    return open ? visit.BREAK : undefined
  })
  return start === undefined ? undefined : at(start, ['this quote is never closed', 'write the same quote at the end of the value'])
}

/** Of a line that cannot be read, the key is shown where it is one of ours; the rest may be a secret. */
function knownKey(line: string): string | undefined {
  const key = /^[ \t]*(?:- )?([A-Za-z0-9]{1,20}):/u.exec(line)?.[1]
  return key !== undefined && isKnownKey(key) ? `${key}:` : undefined
}

function at(offset: number, [message, write]: Advice): Found {
  return { offset, path: [], message, write }
}
