"""Dart: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="dart",
    file_name="main.dart",
    tools=("dart",),
    install="brew install dart-sdk",
    grammar="dart",
    run_command=("{dart}", "--disable-analytics", "main.dart"),
    runtime_mb=256,
    runtime_threads=32,
    data_limit=False,
    hello="""import 'dart:io';

void main() {
  final numbers = stdin.readLineSync()!.trim().split(' ').map(int.parse);
  print(numbers.fold<int>(0, (a, b) => a + b));
}
""",
    samples=Samples(
        wrong="void main() { print(5); }\n",
        hanging="void main() { while (true) {} }\n",
        crashing="void main() { throw 'no'; }\n",
        broken="void main() { print(( }\n",
    ),
)
