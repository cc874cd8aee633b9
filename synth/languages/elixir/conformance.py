"""Programs of Elixir that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold(
    "defmodule Solution do\n  def solve(xs) do\n    Enum.sum(xs)\n  end\nend\n", ("l3 i1 i2 i3",), "i6"
)
HELLO = """IO.gets("") |> String.split() |> Enum.map(&String.to_integer/1) |> Enum.sum() |> IO.puts()
"""
STUBS = (
    Stub(
        head=rf"^[ \t]*(?=def[ \t]+(?P<name>\w+[?!]?)(?P<type>{PARENTHESES}))",
        early="def NAMETYPE, do: VALUE\n",
        untyped=(("0", "7919"), ('""', '"codemill"'), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="def solve(xs), do: length(xs)\n",
    hanging="def solve(xs), do: solve(xs)\n",
    crashing="defmodule A do\n  def solve(xs), do: Enum.fetch!(xs, 99)\nend\n",
    broken="defmodule A do\n  def solve(xs), do: (\n",
    identity="\n    x\n  end\nend\n",
    mutator="def solve(xs, k), do: xs ++ [k]\n",
    honest="defmodule Solution do\n  def solve(x), do: x * x + 7\nend\n",
    script=ScriptPrograms(
        right="""defmodule Solution do
  def twice(x), do: x + x
end
""",
        wrong="""defmodule Solution do
  def twice(x), do: x * x * x
end
""",
        script="""ExUnit.start()

defmodule TwiceTest do
  use ExUnit.Case, async: true

  test "twice" do
    assert Solution.twice(3) == 6
  end
end
""",
        leaving=(
            "System.halt(0)\n",
            """defmodule Solution do
  def twice(_), do: System.halt(0)
end
""",
            "exit(:normal)\n",
            """defmodule Solution do
  def twice(_), do: exit(:normal)
end
""",
        ),
    ),
)
