"""Prolog by SWI-Prolog: stdin/stdout programs; `main` is called."""

from synth.languages.spec import Language, Samples

LANGUAGE = Language(
    name="prolog",
    aliases=("swipl",),
    file_name="main.pl",
    tools=("swipl",),
    install="apt-get install -y swi-prolog-nox",
    paths=("/etc/swi-prolog",),
    run_command=("{swipl}", "-q", "-g", "main", "-g", "halt", "main.pl"),
    runtime_mb=64,
    runtime_threads=8,
    data_limit=False,
    hello="""main :-
    read_line_to_string(user_input, Line),
    split_string(Line, " ", " \\n", Words),
    maplist([Word, Number]>>number_string(Number, Word), Words, Numbers),
    sum_list(Numbers, Total),
    writeln(Total).
""",
    samples=Samples(
        wrong="main :- writeln(5).\n",
        hanging="main :- main.\n",
        crashing="main :- X is nothing + 1, writeln(X).\n",
        broken="main :- writeln((.\n",
    ),
)
