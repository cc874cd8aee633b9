'use strict'
// The JavaScript driver: calls one function of a program on each input and writes the results to a private descriptor.
//
// It runs inside the sandbox: `node driver.js`, the program beside it in solution.js, the request on stdin. Lines in and out are
// described in docs/architecture/execution.md. JavaScript has one number type, so the signature's result type decides whether an
// integral number is an int or a float. References that matter are taken before the program is loaded.

const fs = require('fs')
const vm = require('vm')
const writeSync = fs.writeSync
const reallyExit = process.reallyExit.bind(process)
const bufferFrom = Buffer.from
const { isArray } = Array
const { isInteger, isSafeInteger } = Number
const { keys: objectKeys, getPrototypeOf, defineProperty, is } = Object
const objectPrototype = Object.prototype
const mapPrototype = Map.prototype
const mapForEach = Map.prototype.forEach
const ANY = { kind: '?', inner: [] }

class Unreadable extends Error {}

// --- types: prefix tokens, `l t2 i s` for list[tuple[int, str]] ---

function readType (tokens, at) {
  const kind = tokens[at.index][0]
  const count = kind === 't' ? Number(tokens[at.index].slice(1)) : kind === 'm' ? 2 : kind === 'l' ? 1 : 0
  at.index++
  const inner = []
  for (let i = 0; i < count; i++) inner.push(readType(tokens, at))
  return { kind, inner }
}

// --- text: UTF-8 in hex, lone surrogates as three bytes ---

function decodeText (hex) {
  const bytes = bufferFrom(hex, 'hex')
  if (!/ed[ab]/.test(hex)) return bytes.toString('utf8')
  let text = ''
  for (let i = 0; i < bytes.length;) {
    const b = bytes[i]
    const size = b < 0x80 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4
    let point = size === 1 ? b : b & (0xff >> (size + 1))
    for (let k = 1; k < size; k++) point = (point << 6) | (bytes[i + k] & 0x3f)
    text += String.fromCodePoint(point)
    i += size
  }
  return text
}

function encodeText (text) {
  if (text.isWellFormed()) return bufferFrom(text, 'utf8').toString('hex')
  let hex = ''
  for (const part of text) {
    const point = part.codePointAt(0)
    hex += point >= 0xd800 && point <= 0xdfff
      ? bufferFrom([0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)]).toString('hex')
      : bufferFrom(part, 'utf8').toString('hex')
  }
  return hex
}

// --- values ---

function decodeFloat (text) {
  if (text === 'nan') return NaN
  if (text === 'inf') return Infinity
  return text === '-inf' ? -Infinity : Number(text)
}

function decode (tokens, at, type) {
  const token = tokens[at.index++]
  const tag = token[0]
  const rest = token.slice(1)
  if (tag === 'i') { const n = Number(rest); return isSafeInteger(n) ? n : BigInt(rest) }
  if (tag === 'f') return decodeFloat(rest)
  if (tag === 's') return decodeText(rest)
  if (tag === 'b') return rest === '1'
  if (tag === 'n') return null
  if (tag === 'm') return decodeMap(tokens, at, type, Number(rest))
  const items = []
  for (let i = 0; i < Number(rest); i++) items.push(decode(tokens, at, (tag === 'l' ? type.inner[0] : type.inner[i]) || ANY))
  return items
}

function decodeMap (tokens, at, type, count) {
  const pairs = []
  for (let i = 0; i < count; i++) {
    const key = decode(tokens, at, type.inner[0] || ANY)
    pairs.push([key, decode(tokens, at, type.inner[1] || ANY)])
  }
  const plain = type.kind === 'm' && type.inner[0].kind !== '?' ? type.inner[0].kind === 's' : pairs.every(p => typeof p[0] === 'string')
  if (!plain) return new Map(pairs)
  const object = {}
  for (const [key, value] of pairs) defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  return object
}

function encodeFloat (number) {
  if (number !== number) return 'fnan'
  if (number === Infinity) return 'finf'
  if (number === -Infinity) return 'f-inf'
  return is(number, -0) ? 'f-0.0' : 'f' + number
}

function encodeNumber (number, type) {
  if (type.kind === 'f' || !isInteger(number)) return encodeFloat(number)
  return 'i' + BigInt(number)
}

function encode (value, type, out) {
  if (value === null || value === undefined) out.push('n')
  else if (value === true || value === false) out.push(value ? 'b1' : 'b0')
  else if (typeof value === 'number') out.push(encodeNumber(value, type))
  else if (typeof value === 'bigint') out.push('i' + value)
  else if (typeof value === 'string') out.push('s' + encodeText(value))
  else if (isArray(value) || ArrayBuffer.isView(value)) encodeArray(value, type, out)
  else if (typeof value === 'object') encodeMap(value, type, out)
  else throw new Unreadable('a value of type ' + typeof value + ' is not language-neutral')
}

function encodeArray (array, type, out) {
  const tuple = type.kind === 't'
  out.push((tuple ? 't' : 'l') + array.length)
  for (let i = 0; i < array.length; i++) encode(array[i], (tuple ? type.inner[i] : type.kind === 'l' ? type.inner[0] : ANY) || ANY, out)
}

function encodeMap (object, type, out) {
  const [keyType, valueType] = type.kind === 'm' ? type.inner : [ANY, ANY]
  const prototype = getPrototypeOf(object)
  const pairs = []
  if (prototype === mapPrototype) mapForEach.call(object, (value, key) => pairs.push([key, value]))
  else if (prototype === objectPrototype || prototype === null) {
    for (const key of objectKeys(object)) pairs.push([keyType.kind === 'i' && /^-?\d+$/.test(key) ? BigInt(key) : key, object[key]])
  } else throw new Unreadable('an object of a class is not language-neutral')
  out.push('m' + pairs.length)
  for (const [key, value] of pairs) { encode(key, keyType, out); encode(value, valueType, out) }
}

// --- the run ---

const CHANNEL = 3
const hex = text => bufferFrom(String(text).slice(0, 300), 'utf8').toString('hex')

function send (line) {
  const data = bufferFrom(line + '\n', 'ascii')
  for (let sent = 0; sent < data.length;) sent += writeSync(CHANNEL, data, sent)
}

function describe (error) {
  try { return error instanceof Error ? error.name + ': ' + error.message : 'thrown: ' + String(error) } catch { return 'thrown' }
}

function result (target, line, parameters, type) {
  let value
  try {
    const parts = line === '' ? [] : line.split('\t')
    value = target(...parts.map((part, i) => decode(part.split(' '), { index: 0 }, parameters[i] || ANY)))
  } catch (error) {
    return 'raised ' + hex(describe(error))
  }
  try {
    const out = []
    encode(value, type, out)
    return 'returned ' + out.join(' ')
  } catch (error) {
    return 'unreadable ' + hex(error instanceof RangeError ? 'the value is too deep or refers to itself' : describe(error))
  }
}

function load (nonce, entryPoint) {
  const code = fs.readFileSync('solution.js', 'utf8').replace(/^export\s+(default\s+)?(?=(async\s+)?(function|const|let|var|class)\b)/gm, '')
  let script
  try {
    script = new vm.Script(code, { filename: 'solution.js' })
  } catch (error) {
    send(nonce + ' parse_error ' + hex(describe(error)))
    reallyExit(1)
  }
  globalThis.require = require('module').createRequire('/work/')
  globalThis.module = { exports: {} }
  globalThis.exports = globalThis.module.exports
  script.runInThisContext()
  const exported = globalThis.module.exports || {}
  const named = name => vm.runInThisContext(`typeof ${name} === 'function' ? ${name} : null`) || exported[name]
  const target = named(entryPoint) || method(named('Solution') || exported, entryPoint)
  if (typeof target !== 'function') throw new ReferenceError(`the program defines no function '${entryPoint}'`)
  return target
}

// A method of a class `Solution`, on an object of its own for each call: of the class itself if it is static.
function method (owner, name) {
  if (typeof owner !== 'function') return null
  if (typeof owner[name] === 'function') return (...given) => owner[name](...given)
  return typeof (new owner())[name] === 'function' ? (...given) => (new owner())[name](...given) : null // eslint-disable-line new-cap
}

function main () {
  const lines = fs.readFileSync(0, 'latin1').split('\n')
  const [nonce, entryPoint, parameterLine, resultLine, count] = lines
  const parameters = parameterLine === '' ? [] : parameterLine.split('\t').map(text => readType(text.split(' '), { index: 0 }))
  const type = readType(resultLine.split(' '), { index: 0 })
  const target = load(nonce, entryPoint)
  for (let i = 0; i < Number(count); i++) send(`${nonce} ${i} ${result(target, lines[5 + i], parameters, type)}`)
  send(nonce + ' finished')
  reallyExit(0)
}

main()
