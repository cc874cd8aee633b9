"""Dart: stdin/stdout programs."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import Language, Script
from synth.languages.support.scripts import imports_first

_GUARD = """import 'dart:convert';
import 'dart:ffi';
import 'dart:io';
import 'main.dart' as program;

Future<void> main(List<String> words) async {
  final dynamic start = program.main;
  final dynamic ended = start is Function() ? start() : start(words);
  if (ended is Future) await ended;
  if (exitCode != 0) return;
  final library = DynamicLibrary.process();
  final make = library.lookupFunction<
      Pointer<Uint8> Function(IntPtr),
      Pointer<Uint8> Function(int)>('malloc');
  final write = library.lookupFunction<
      IntPtr Function(Int32, Pointer<Uint8>, IntPtr),
      int Function(int, Pointer<Uint8>, int)>('write');
  final text = ascii.encode(MARK);
  final room = make(text.length);
  room.asTypedList(text.length).setAll(0, text);
  write(3, room, text.length);
}
"""
"""Wraps the script's `main`. Dart cannot make a file from a descriptor."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    return {
        "main.dart": imports_first(f"{code}\n{script}\n", r"import\s+['\"]"),
        "guard.dart": _GUARD.replace("MARK", mark),
    }


LANGUAGE = Language(
    name="dart",
    file_name="main.dart",
    tools=("dart",),
    install="brew install dart-sdk",
    grammar="dart",
    run_command=("{dart}", "--disable-analytics", "main.dart"),
    script=Script(
        files=_script, run_command=("{dart}", "--disable-analytics", "--enable-asserts", "guard.dart")
    ),
    runtime_mb=256,
    runtime_threads=32,
    data_limit=False,
    hello="""import 'dart:io';

void main() {
  final numbers = stdin.readLineSync()!.trim().split(' ').map(int.parse);
  print(numbers.fold<int>(0, (a, b) => a + b));
}
""",
    samples=ConformancePrograms(
        wrong="void main() { print(5); }\n",
        hanging="void main() { while (true) {} }\n",
        crashing="void main() { throw 'no'; }\n",
        broken="void main() { print(( }\n",
        script=ScriptPrograms(
            right="int twice(int x) { return x + x;",
            wrong="int twice(int x) { return x * x * x;",
            script="""}
import 'dart:async';
Future<void> main() async {
  await Future<void>.delayed(Duration.zero);
  assert(twice(3) == 6);
  assert(twice(0) == 0);
}
""",
            leaving=(
                """import 'dart:io';
int twice(int x) { exit(0);""",
                """import 'dart:io';
int twice(int x) { try { return 0; } finally { exit(0); }""",
            ),
        ),
    ),
)
