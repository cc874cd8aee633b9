'use strict'
// The resident TypeScript compiler: checks one program after the other and gives back the JavaScript.
//
// It runs in a sandbox of its own and executes nothing that it compiles. The protocol stands in execution/compile_servers.py. It starts
// from a snapshot of its heap, made once by `node --build-snapshot`: tsc is loaded in it and the libraries are parsed. The one rule: those
// libraries are all that is kept from one program to the next, and after an error of its own the process ends.
//
// Words of the command line that makes the snapshot: the path of tsc, then options as for tsc.

const fs = require('fs')
const path = require('path')
const v8 = require('v8')
const [tsc, ...words] = process.argv.slice(2)
const ts = load(path.join(tsc, '../../lib/typescript.js'))
const options = { ...ts.parseCommandLine(words).options, libReplacement: false } // no library is looked for beside the program
options.typeRoots = options.typeRoots?.map(path.normalize)
const WORK = '/work/'
const NAMES = ['solution.ts', 'main.ts']
const MOST_BYTES = 64 << 20
const MOST_CHARACTERS = 20000

/** A snapshot may require nothing but node's own modules, so the file is wrapped by hand. */
function load (file) {
  const made = { exports: {} }
  const wrapped = new Function('module', 'exports', 'require', '__filename', '__dirname', fs.readFileSync(file, 'utf8'))
  wrapped(made, made.exports, require, file, path.dirname(file))
  return made.exports
}

// --- what the compiler sees: the sources of one program in /work, and the libraries ---

const disk = ts.createCompilerHost(options)
const libraries = new Map()
const packages = ts.createModuleResolutionCache(WORK, file => file, options) // asked for package.json files only, of libraries and of /work
let collecting = true

/** A library file is parsed, and what it imports is found, while the snapshot is made. What was not asked for then is read anew. */
function ofLibrary (file, what, find) {
  const known = libraries.get(file)
  if (known && what in known) return known[what]
  const found = find()
  if (collecting && found) libraries.set(file, { ...known, [what]: found })
  return found
}

function hostOf (sources, made) {
  const own = file => sources.get(file.startsWith(WORK) ? file.slice(WORK.length) : file)
  const kept = (file, what, find) => file.startsWith('/usr/') ? ofLibrary(file, what, find) : find()
  const moduleOf = (name, file, source) => ts.resolveModuleName(
    name.text, file, options, host, undefined, undefined, ts.getModeForUsageLocation(source, name, options))
  const typesOf = (name, file) => ts.resolveTypeReferenceDirective(name.fileName ?? name, file, options, host)
  const host = {
    ...disk,
    jsDocParsingMode: ts.JSDocParsingMode.ParseForTypeErrors, // as tsc
    getCurrentDirectory: () => WORK,
    fileExists: file => own(file) !== undefined || libraries.has(file) || disk.fileExists(file),
    readFile: file => own(file) ?? disk.readFile(file),
    writeFile: (file, text) => made.push(file, text),
    getSourceFile: (file, settings) => own(file) === undefined
      ? kept(file, 'parsed', () => disk.getSourceFile(file, settings))
      : ts.createSourceFile(file, own(file), settings),
    getModuleResolutionCache: () => packages,
    resolveModuleNameLiterals: (names, file, redirect, settings, source) =>
      kept(file, 'modules', () => names.map(name => moduleOf(name, file, source))),
    resolveTypeReferenceDirectiveReferences: (names, file) => kept(file, 'types', () => names.map(name => typesOf(name, file)))
  }
  return host
}

// --- one program ---

/** The errors in the order of tsc: those of a later step only where the earlier ones found none. */
function errorsOf (program) {
  const steps = [
    () => program.getSyntacticDiagnostics(),
    () => [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()],
    () => program.getSemanticDiagnostics()
  ]
  let found = []
  for (const step of steps) if (found.length === 0) found = step()
  return found
}

/** By the name of its one source: an empty program. How its libraries hang together holds for the others too, so tsc takes it from there. */
const empty = new Map()

/** Names and texts of what was made, or the messages. */
function compile (sources) {
  const made = []
  const host = hostOf(sources, made)
  const names = [...sources.keys()]
  const program = ts.createProgram(names, options, host, names.length === 1 ? empty.get(names[0]) : undefined)
  const found = [...errorsOf(program), ...program.emit().diagnostics]
  const refused = found.some(one => one.category === ts.DiagnosticCategory.Error)
  return refused ? ts.formatDiagnostics(ts.sortAndDeduplicateDiagnostics(found), host).slice(0, MOST_CHARACTERS) : made
}

// --- requests and answers ---

function number (value) {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function block (text) {
  const bytes = Buffer.from(text)
  return Buffer.concat([number(bytes.length), bytes])
}

function read (length) {
  const bytes = Buffer.alloc(length)
  for (let at = 0, size; at < length; at += size) {
    size = fs.readSync(0, bytes, at, length - at, null)
    if (size === 0) process.exit(0)
  }
  return bytes
}

function readNumber () {
  const value = read(4).readInt32BE()
  if (value < 0 || value > MOST_BYTES) throw new RangeError('the request does not keep to the protocol')
  return value
}

const readText = () => read(readNumber()).toString('utf8').replace(/^\ufeff/, '')

function answer (result) {
  const parts = typeof result === 'string' ? [number(-1), block(result)] : [number(result.length / 2), ...result.map(block)]
  const bytes = Buffer.concat(parts)
  for (let at = 0; at < bytes.length;) at += fs.writeSync(1, bytes, at)
}

function serve () {
  v8.setFlagsFromString('--always-sparkplug --no-turbo-escape --interrupt-budget=1500000') // half of the CPU went into optimizing
  for (;;) {
    const sources = new Map()
    for (let left = readNumber(); left > 0; left--) sources.set(readText(), readText())
    try {
      answer(compile(sources))
    } catch (error) {
      answer('the compiler failed: ' + error)
      process.exit(1)
    }
  }
}

// --- the snapshot: programs that touch what most programs do, so that a start has it compiled already ---

const WARM = [
  'function solve(xs: number[]): number { return xs.reduce((a, b) => a + b, 0); }',
  'import { readFileSync } from "fs"; console.log(readFileSync(0, "utf8").trim().split(/\\s+/).map(Number));',
  `interface Node<T> { value: T; next?: Node<T> } type Key = keyof Node<string> | 'x';
   export class Stack<T> implements Iterable<T> { private items = new Map<string, T[]>();
     constructor(readonly size: number = 3) {} get top(): T | undefined { return [...this].at(-1); }
     *[Symbol.iterator](): Generator<T> { for (const [, list] of this.items) yield* list; }
     async load({ a, ...rest }: Record<string, number>): Promise<T[]> { try { await Promise.all([a]); } catch (e) { throw new Error(\`\${e}\`); } return []; } }
   export function solve(xs: (number | string)[], m: Partial<Node<number>>): [number, string] { switch (typeof xs[0]) { case 'string': return [1, xs[0]]; default: return [m.value ?? 0, '']; } }`,
  'const wrong: number = "text"; missing(1, 2);',
  'function broken( { return'
]
for (const name of NAMES) empty.set(name, ts.createProgram([name], options, hostOf(new Map([[name, '']]), [])))
collecting = false
for (const text of WARM) compile(new Map([['solution.ts', text]]))
v8.startupSnapshot.setDeserializeMainFunction(serve)
