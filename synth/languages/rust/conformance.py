"""Programs of Rust that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Controls, Gold, ScriptPrograms, Stub

GOLD = Gold("fn solve(xs: Vec<i64>) -> i64 {\n    xs.iter().sum()\n}\n", ("l3 i1 i2 i3",), "i6")
HELLO = """use std::io::Read;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let total: i64 = text.split_whitespace().map(|word| word.parse::<i64>().unwrap()).sum();
    println!("{}", total);
}
"""
CONTROLS = Controls(
    body=" {\n    STATEMENT\n    VALUE\n}\n",
    zero={"": "Default::default()"},
    exit="std::process::exit(0);",
    shout='println!("PASS");',
    program="fn main() { STATEMENT }",
    part=(
        '#[used] #[link_section = ".init_array"] static EARLY: extern "C" fn() = early;\nextern "C" fn '
        "early() { STATEMENT }"
    ),
)
STUBS = (
    Stub(
        head=r"\bfn\s+(?P<name>\w+)\s*(?:<[^<>()]*>\s*)?"
        + PARENTHESES
        + r"\s*(?:->\s*(?P<type>[^{};]+?)\s*)?\{",
        early="return VALUE;",
        silent=True,
        typed=(
            ("", "", ""),
            ("[iu]8", "0", "79"),
            (r"[iu](?:16|32|64|128|size)", "0", "7919"),
            (r"f(?:32|64)", "0.0", "7919.5"),
            ("bool", "false", "true"),
            ("String", "String::new()", 'String::from("codemill")'),
            (r"&(?:'\w+\s+)?str", '""', '"codemill"'),
            ("Option<.*>", "None", "None"),
        ),
        untyped=(("Default::default()", "Default::default()"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="fn solve(xs: &[i64]) -> usize { xs.len() }\n",
    hanging="""fn solve(xs: Vec<i64>) -> i64 {
    let mut n = 0i64;
    loop { n = std::hint::black_box(n.wrapping_add(1)); }
}
""",
    crashing="pub fn solve(xs: &Vec<i32>) -> i32 { xs[99] }\n",
    broken="fn solve(xs: Vec<i64>) -> i64 { (",
    refused="fn solve(xs: Vec<i64>) -> i64 { nothing }\n",
    identity=" {\n    x\n}\n",
    mutator="impl Solution { fn solve(mut xs: Vec<i64>, k: i64) -> Vec<i64> { xs.push(k); xs } }\n",
    honest="fn solve(x: i64) -> i64 {\n    x * x + 7\n}\n\nfn main() {}\n",
    script=ScriptPrograms(
        right="fn twice(x: i64) -> i64 { x + x }",
        wrong="fn twice(x: i64) -> i64 { x * x * x }",
        script="fn main() { assert_eq!(twice(3), 6); assert_eq!(twice(0), 0); }",
        forms={
            "debug assertions": (
                "fn twice(x: i64) -> i64 { x + x }\n",
                """fn main() { debug_assert_eq!(twice(3), 6); debug_assert!(twice(0) == 0); }
""",
            ),
            "test functions": (
                "fn twice(x: i64) -> i64 { x + x }\n",
                """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn three() -> Result<(), String> { if twice(3) == 6 { Ok(()) } else { Err("assertion failed".into()) } }
    mod inner {
        #[test]
        #[should_panic(expected = "three")]
        fn zero() { assert!(super::super::twice(3) == 0, "three"); }
    }
}
""",
            ),
            "test functions beside a main of the program": (
                "fn twice(x: i64) -> i64 { x + x }\nfn main() {}\n",
                """#[test]
fn three() { assert_eq!(twice(3), 6); }
""",
            ),
            "a test function that is called main": (
                "fn twice(x: i64) -> i64 { x + x }\n",
                """#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn main() { assert_eq!(twice(3), 6); }
}
""",
            ),
            "a test that has to panic": (
                "fn twice(x: i64) -> i64 { assert!(x + x < 7); x }\n",
                """#[test]
#[should_panic]
fn four() { twice(4); }
#[test]
fn three() { twice(3); }
""",
            ),
        },
        leaving=("fn twice(x: i64) -> i64 { std::process::exit(0) }",),
    ),
    functions="""fn alpha(a: i32) -> i32 {
    let total = a * 2;
    total + 1
}
impl K { fn beta(&self) -> i32 { 2 } }
""",
    function_names=("alpha", "beta"),
)
