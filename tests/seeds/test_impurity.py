"""Words of programs that give another answer at another time, and words that only look like them."""

import pytest

from synth.seeds.impurity import find_impurity

RANDOM_CHECK = """
public static boolean verify(int[][] a, int[][] b, int[][] c) {
    java.util.Random random = new java.util.Random();
    int[] r = new int[a.length];
    for (int i = 0; i < r.length; i++) r[i] = random.nextInt(2);
    return equal(multiply(a, multiply(b, r)), multiply(c, r));
}
"""


@pytest.mark.parametrize(
    ("language", "code", "word"),
    [
        ("java", RANDOM_CHECK, "Random"),
        ("java", "static double f(double x) { return x + Math.random(); }", "Math.random"),
        ("java", "static long f() { return System.nanoTime(); }", "System.nanoTime"),
        ("javascript", "function f(n) { return Math.floor(Math.random() * n) }", "Math.random"),
        ("typescript", "const age = (year: number) => new Date().getFullYear() - year", "new Date()"),
        ("go", "func f(n int) int { return rand.Intn(n) }", "rand."),
        ("go", "func f(n int64) bool { return time.Now().Unix() > n }", "time.Now"),
        ("rust", "fn f(n: u32) -> u32 { rand::thread_rng().gen_range(0..n) }", "rand::"),
        ("rust", "fn f() -> u64 { Instant::now().elapsed().as_secs() }", "Instant"),
        ("cpp", "int f(int n) { std::mt19937 e{std::random_device{}()}; return e() % n; }", "mt19937"),
        ("cpp", "int f(int n) { return std::rand() % n; }", "rand("),
        ("c", "int f(int n) { return rand() % n; }", "rand("),
        ("c", "long f(long n) { return time(NULL) - n; }", "time("),
    ],
)
def test_chance_the_clock_and_the_world_outside_are_found(language: str, code: str, word: str) -> None:
    found = find_impurity(code, language)
    assert found is not None and found.word == word
    assert found.kind


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("java", '/* Math.random() */ static String f(String s) { return s + "Random"; }'),
        ("javascript", "// new Date()\nfunction time(n) { return clock.now(n) }"),
        ("go", "func rand(n int) int { return n*7 % 11 }"),
        ("rust", "fn sleep(n: u32) -> u32 { n + 1 }"),
        (
            "cpp",
            "int rand(int n) { return n * 7; }\nint f(Clock& c) { return c.time(3) + it->open(1); }",
        ),
        ("c", "static int random(int n) { return n; }"),
        ("ruby", "def f(n) = rand(n)"),
    ],
)
def test_comments_texts_methods_and_functions_of_its_own_are_none(language: str, code: str) -> None:
    assert find_impurity(code, language) is None
