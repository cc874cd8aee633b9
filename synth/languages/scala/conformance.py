"""Programs of Scala that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("def solve(xs: List[Long]): Long = {\n  xs.sum\n}\n", ("l3 i1 i2 i3",), "i6")
HELLO = """object Main {
  def main(args: Array[String]): Unit = {
    println(scala.io.StdIn.readLine().trim.split(" ").map(_.toLong).sum)
  }
}
"""
STUBS = (
    Stub(
        head=r"\bdef\s+(?P<name>\w+)\s*(?:\[[^\[\]\n]*\]\s*)?"
        + PARENTHESES
        + r"\s*:\s*(?P<type>[^{}=\n]+?)\s*=",
        early=" if (true) VALUE else",
        typed=(
            ("Int|Long|Short|Byte|Float|Double|BigInt", "0", "79"),
            ("Boolean", "false", "true"),
            ("String", '""', '"codemill"'),
            ("Unit", "()", "()"),
        ),
        untyped=(("null.asInstanceOf[TYPE]", "null.asInstanceOf[TYPE]"),),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="object Solution {\n  def solve(xs: Seq[Int]): Int = xs.length\n}\n",
    hanging="def solve(xs: List[Long]): Long = { while (true) {}; 0 }\n",
    crashing="class Solution {\n  def solve(xs: Array[Long]): Long = xs(99)\n}\n",
    broken="def solve(xs: List[Long]): Long = { (",
    refused="def solve(xs: List[Long]): Long = nothing\n",
    identity=" = {\n  x\n}\n",
    mutator="def solve(xs: List[Long], k: Long): List[Long] = xs :+ k\n",
    honest="def solve(x: Long): Long = x * x + 7\n",
    script=ScriptPrograms(
        right="""object Problem {
  def twice(x: Long): Long = {
    x + x
""",
        wrong="""object Problem {
  def twice(x: Long): Long = {
    x * x * x
""",
        script="""  }
  def main(args: Array[String]) = {
    assert(twice(3L) == 6L)
    assert(twice(0L) == 0L)
  }
}
""",
        leaving=(
            """object Problem {
  def twice(x: Long): Long = {
    sys.exit(0)
""",
            """object Problem {
  Runtime.getRuntime.halt(0)
  def twice(x: Long): Long = {
    x
""",
        ),
        forms={
            "an App": (
                """object Demo { def main(words: Array[String]): Unit = () }
object Main extends App {
  def twice(x: Int): Int = x + x
""",
                """  assert(twice(3) == 6)
}
""",
            ),
            "statements": ("def twice(x: Int): Int = x + x\n", "assert(twice(3) == 6)\n"),
        },
    ),
)
