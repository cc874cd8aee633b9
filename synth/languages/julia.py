"""Julia: stdin/stdout programs."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="julia",
    aliases=("jl",),
    file_name="main.jl",
    tools=("julia",),
    install="brew install julia",
    grammar="julia",
    environment={"JULIA_NUM_THREADS": "1", "JULIA_DEPOT_PATH": "/tmp/julia"},
    run_command=("{julia}", "--startup-file=no", "--history-file=no", "--compiled-modules=no", "main.jl"),
    runtime_mb=512,
    runtime_threads=32,
    data_limit=False,
    hello="""println(sum(parse.(Int, split(readline()))))
""",
    samples=Samples(
        wrong="println(5)\n",
        hanging="while true\nend\n",
        crashing='error("no")\n',
        broken="println((5\n",
    ),
)
