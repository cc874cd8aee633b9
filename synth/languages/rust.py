"""Rust by rustc: stdin/stdout programs and scripts; no driver for typed calls yet."""

from synth.languages.scripting import RUST
from synth.languages.spec import Language

LANGUAGE = Language(
    name="rust",
    aliases=("rs",),
    file_name="main.rs",
    tools=("rustc",),
    install="apt-get install -y rustc",
    grammar="rust",
    compile_command=(
        "{rustc}",
        "--edition",
        "2021",
        "-C",
        "opt-level=1",
        "-C",
        "overflow-checks=on",
        "-A",
        "warnings",
        "-o",
        "program",
        "main.rs",
    ),
    run_command=("./program",),
    script=RUST,
    hello="""use std::io::Read;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let total: i64 = text.split_whitespace().map(|word| word.parse::<i64>().unwrap()).sum();
    println!("{}", total);
}
""",
)
