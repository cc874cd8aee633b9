"""Swift: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="swift",
    file_name="main.swift",
    tools=("swiftc",),
    install="brew install swift",
    grammar="swift",
    compile_command=("{swiftc}", "-O", "-suppress-warnings", "-o", "program", "main.swift"),
    run_command=("./program",),
    runtime_mb=64,
    data_limit=False,
    hello="""let words = readLine()!.split(separator: " ")
print(words.map { Int($0)! }.reduce(0, +))
""",
    samples=Samples(
        wrong="print(5)\n",
        hanging="while true {}\n",
        crashing='fatalError("no")\n',
        broken="print((5\n",
        refused="print(nothing)\n",
    ),
)
