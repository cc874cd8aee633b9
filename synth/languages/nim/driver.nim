## The Nim driver: calls one procedure of a program on each input and writes the results to a private descriptor.
##
## It is compiled with each program, after a start module that names the procedure. Lines in and out are described in
## docs/architecture/execution.md. Arguments are read as the types of the signature.

import std/[math, strutils, tables]

type
  Reader* = object
    tokens: seq[string]
    at: int
  Arguments* = object
    parts: seq[string]
    at: int

proc take(r: var Reader, wanted: char): string =
  if r.at >= r.tokens.len or r.tokens[r.at].len == 0 or r.tokens[r.at][0] != wanted:
    raise newException(ValueError, "the input has another type where the parameter needs " & wanted)
  result = r.tokens[r.at][1 .. ^1]
  inc r.at

# --- values in ---

proc strtod(text: cstring, rest: ptr cstring): cdouble {.importc, header: "<stdlib.h>".}

proc decodeHex(hex: string): string =
  for i in 0 ..< hex.len div 2: result.add chr(parseHexInt(hex[2 * i .. 2 * i + 1]))

proc get*[T: tuple | object | SomeNumber | bool | char | string | seq](r: var Reader, t: typedesc[T]): T
proc get*[K, V](r: var Reader, t: typedesc[Table[K, V]]): Table[K, V]

proc get*[K, V](r: var Reader, t: typedesc[Table[K, V]]): Table[K, V] =
  for _ in 0 ..< parseInt(r.take('m')):
    let key = r.get(K)
    result[key] = r.get(V)

proc get*[T: tuple | object | SomeNumber | bool | char | string | seq](r: var Reader, t: typedesc[T]): T =
  when T is bool: r.take('b') == "1"
  elif T is SomeInteger: T(parseBiggestInt(r.take('i')))
  elif T is SomeFloat: T(strtod(r.take('f').cstring, nil))
  elif T is string: decodeHex(r.take('s'))
  elif T is seq:
    for _ in 0 ..< parseInt(r.take('l')): result.add r.get(typeof(result[0]))
  elif T is tuple:
    discard r.take('t')
    for field in result.fields: field = r.get(typeof(field))
  else: {.error: "no value of this type can be passed".}

proc next*[T](a: var Arguments, t: typedesc[T]): T =
  var reader = Reader(tokens: a.parts[a.at].split(' '))
  inc a.at
  reader.get(T)

# --- values out ---

proc hex(text: string): string =
  for c in text: result.add toHex(ord(c), 2).toLowerAscii

proc put*[K, V](value: Table[K, V], words: var seq[string])
proc put*[K, V](value: OrderedTable[K, V], words: var seq[string])
proc put*[T](value: seq[T] | openArray[T], words: var seq[string])

proc put*(value: SomeInteger, words: var seq[string]) = words.add "i" & $value
proc put*(value: bool, words: var seq[string]) = words.add(if value: "b1" else: "b0")
proc put*(value: string, words: var seq[string]) = words.add "s" & hex(value)
proc put*(value: char, words: var seq[string]) = words.add "s" & hex($value)

proc snprintf(buffer: cstring, size: csize_t, format: cstring): cint {.importc, varargs, header: "<stdio.h>".}

proc put*(value: SomeFloat, words: var seq[string]) =
  case classify(value)
  of fcNan: words.add "fnan"
  of fcInf: words.add "finf"
  of fcNegInf: words.add "f-inf"
  else:
    var buffer: array[40, char]
    discard snprintf(cast[cstring](addr buffer), 40, "f%.17g", cdouble(value))
    words.add $cast[cstring](addr buffer)

proc put*(value: tuple, words: var seq[string]) =
  var count = 0
  for _ in value.fields: inc count
  words.add "t" & $count
  for field in value.fields: put(field, words)

proc put*[T](value: seq[T] | openArray[T], words: var seq[string]) =
  words.add "l" & $value.len
  for item in value: put(item, words)

proc put*[K, V](value: Table[K, V], words: var seq[string]) =
  words.add "m" & $value.len
  for key, item in value.pairs:
    put(key, words)
    put(item, words)

proc put*[K, V](value: OrderedTable[K, V], words: var seq[string]) =
  words.add "m" & $value.len
  for key, item in value.pairs:
    put(key, words)
    put(item, words)

proc wire*[T](value: T): string =
  var words: seq[string]
  put(value, words)
  words.join(" ")

# --- the run ---

proc exitNow(status: cint) {.importc: "_exit", header: "<unistd.h>".}

proc told(call: proc (a: var Arguments): string, line: string): string =
  try:
    var arguments = Arguments(parts: line.split('\t'))
    "returned " & call(arguments)
  except Exception as problem:
    let text = $problem.name & ": " & problem.msg
    "raised " & hex(text[0 ..< min(300, text.len)])

proc drive*(call: proc (a: var Arguments): string) =
  let lines = stdin.readAll().split('\n')
  var channel: File
  if not channel.open(FileHandle(3), fmWrite): quit(1)
  for index in 0 ..< parseInt(lines[4]):
    channel.write(lines[0], " ", index, " ", told(call, lines[5 + index]), "\n")
    channel.flushFile()
  channel.write(lines[0], " finished\n")
  channel.flushFile()
  stdout.flushFile()
  exitNow(0)
