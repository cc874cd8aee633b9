"""Programs of OCaml that show that its module works, and its controls."""

from synth.languages.conformance import ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("let solve (xs : int list) : int = List.fold_left ( + ) 0 xs\n", ("l3 i1 i2 i3",), "i6")
HELLO = """let () =
  read_line () |> String.trim |> String.split_on_char ' '
  |> List.map int_of_string |> List.fold_left ( + ) 0 |> print_int
"""
STUBS = (
    Stub(
        head=r"^let\s+(?:rec\s+)?(?P<name>\w+)(?P<type>(?:\s+\w+)+)\s*(?::[^=\n]+)?=",
        again="let NAME TYPE = Obj.magic VALUE",
        untyped=(("0", "7919"), ('""', '"codemill"'), ("[]", "[7919]")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="let solve xs = List.length xs\n",
    hanging="let rec solve (xs : int list) : int = solve xs\n",
    crashing="let solve xs = List.nth xs 99\n",
    broken="let solve (xs = ",
    refused="let solve (xs : int list) : int = nothing\n",
    identity=" = x\n",
    mutator="let solve xs k = xs @ [k]\n",
    honest='let solve x = x * x + 7\nlet () = if Array.length Sys.argv > 5 then print_string "main"\n',
    script=ScriptPrograms(
        right="let twice x = x + x",
        wrong="let twice x = x * x * x",
        script="let () = assert (twice 3 = 6); assert (twice 0 = 0)\n",
        leaving=(
            "let () = exit 0",
            "let twice _ : int = exit 0",
            "let twice _ : int = Stdlib.do_at_exit (); Unix._exit 0",
        ),
    ),
)
