"""Ruby: stdin/stdout programs; no driver for typed calls yet."""

from synth.languages.spec import Language

LANGUAGE = Language(
    name="ruby",
    aliases=("rb",),
    file_name="main.rb",
    tools=("ruby",),
    install="apt-get install -y ruby",
    grammar="ruby",
    run_command=("{ruby}", "--disable-gems", "main.rb"),
    runtime_mb=64,
    hello="""puts $stdin.read.split.map(&:to_i).sum
""",
)
