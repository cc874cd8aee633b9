"""Programs of Erlang that show that its module works, and its controls."""

from synth.languages.conformance import PARENTHESES, ConformancePrograms, Gold, ScriptPrograms, Stub

GOLD = Gold("-module(answer).\n-export([solve/1]).\n\nsolve(Xs) -> lists:sum(Xs).\n", ("l3 i1 i2 i3",), "i6")
HELLO = """#!/usr/bin/env escript
main(_) ->
    Line = io:get_line(""),
    io:format("~p~n", [lists:sum([list_to_integer(Word) || Word <- string:lexemes(Line, " \\n")])]).
"""
STUBS = (
    Stub(
        head=rf"^(?=(?P<name>[a-z]\w*)(?P<type>{PARENTHESES})\s*(?:when\b[^.;]*?)?->)",
        early="NAMETYPE -> VALUE;\n",
        untyped=(("0", "7919"), ('""', '"codemill"'), ("[]", "[7919]"), ("{}", "{7919}")),
    ),
)
SAMPLES = ConformancePrograms(
    wrong="solve(Xs) -> length(Xs).\n",
    hanging="solve(Xs) -> solve(Xs).\n",
    crashing="solve(Xs) -> lists:nth(99, Xs).\n",
    broken="solve(Xs) -> length(Xs.\n",
    refused="solve(Xs) -> nothing(Xs).\n",
    identity=" -> X.\n",
    mutator="solve(Xs, K) -> Xs ++ [K].\n",
    honest="-module(solution).\n-export([solve/1]).\nsolve(X) -> X * X + 7.\n",
    script=ScriptPrograms(
        right="""-module(numbers).
-export([twice/1, test/0]).

twice(X) -> X + X.
""",
        wrong="""-module(numbers).
-export([twice/1]).

twice(X) -> X * X * X.
""",
        script="""-include_lib("eunit/include/eunit.hrl").

twice_test() -> ?assertEqual(6, numbers:twice(3)).
main(_) -> 0 = twice(0).
""",
        leaving=(
            """-module(numbers).
twice(_) -> erlang:halt(0).
""",
            """-module(numbers).
-on_load(early/0).
early() -> erlang:halt(0).
twice(X) -> X.
""",
            """-module(numbers).
twice(_) -> exit(self(), kill).
""",
            """-module(numbers).
twice(_) -> exit(whereis(init), kill), 6.
""",
        ),
        forms={
            "a test without EUnit": (
                """-module(sums).
-export([twice/1, test/0]).
twice(X) -> X + X.
""",
                """test() ->
6 = twice(3),
ok.
""",
            ),
            "an escript": (
                """#!/usr/bin/env escript
twice(X) -> X + X.
""",
                "main(_) -> 6 = twice(3).\n",
            ),
        },
    ),
)
