"""Prolog by SWI-Prolog: stdin/stdout programs; `main` is called."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms
from synth.languages.spec import FailureWords, Language, Script

_GUARD = """:- module(codemill_guard, []).
:- dynamic reached/0, tested/0.
:- multifile user:message_hook/3, user:goal_expansion/2.
:- dynamic user:message_hook/3, user:goal_expansion/2.

user:message_hook(Term, Kind, _) :-
    codemill_guard:counts(Kind, Term), flag(codemill_failures, N, N + 1), fail.

counts(error, _).
counts(warning, goal_failed(_, _)).
counts(warning, init_goal(failed, _)).

% A program may have a main of its own, which tests nothing.
program_ends :- forall(written(M:Main), (functor(Main, main, Arity), abolish(M:main/Arity))).

% An exit of the script itself, which begins at the line START, is its end.
user:goal_expansion(Goal, codemill_guard:finish) :-
    memberchk(Goal, [halt, halt(0)]),
    source_location(Path, Line), file_base_name(Path, 'main.pl'), Line >= START.

go :-
    load_files(user:'main.pl', []),
    reached,
    units,
    main,
    finish.

main :- written(M:main), !, call(M:main).
main :- written(M:main(_)), !, call(M:main([])).
main.

written(M:Main) :- member(Main, [main, main(_)]), source_file(M:Main, Path), file_base_name(Path, 'main.pl').

units :- tested, !.
units :-
    assertz(tested), current_predicate(plunit:current_unit/4), plunit:current_unit(_, _, _, _), !,
    plunit:run_tests.
units.

finish :-
    units,
    flag(codemill_failures, 0, 0),
    shell('printf MARK >&3', 0),
    halt(0).
finish :- halt(1).
"""
"""Wraps the script: errors and failed directives do not end the process, so they are counted; then test units
and `main` run."""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    text = f"{code}\n:- codemill_guard:program_ends.\n{script}\n:- assertz(codemill_guard:reached).\n"
    plain = mark.replace("\\n", "\\\\n")
    return {
        "main.pl": text,
        "guard.pl": _GUARD.replace("START", str(code.count("\n") + 3)).replace("MARK", plain),
    }


LANGUAGE = Language(
    name="prolog",
    aliases=("swipl",),
    file_name="main.pl",
    tools=("swipl",),
    install="apt-get install -y swi-prolog-nox",
    paths=("/etc/swi-prolog",),
    run_command=("{swipl}", "-q", "-g", "main", "-g", "halt", "main.pl"),
    script=Script(
        files=_script, run_command=("{swipl}", "-q", "-g", "codemill_guard:go", "-t", "halt(1)", "guard.pl")
    ),
    runtime_mb=64,
    runtime_threads=8,
    data_limit=False,
    failures=FailureWords(uncaught=("^ERROR: ",)),
    hello="""main :-
    read_line_to_string(user_input, Line),
    split_string(Line, " ", " \\n", Words),
    maplist([Word, Number]>>number_string(Number, Word), Words, Numbers),
    sum_list(Numbers, Total),
    writeln(Total).
""",
    samples=ConformancePrograms(
        wrong="main :- writeln(5).\n",
        hanging="main :- main.\n",
        crashing="main :- X is nothing + 1, writeln(X).\n",
        broken="main :- writeln((.\n",
        script=ScriptPrograms(
            right="twice(X, Y) :- Y is X + X.\n",
            wrong="twice(X, Y) :- Y is X * X * X.\n",
            script=""":- use_module(library(plunit)).
:- begin_tests(numbers).
test(three) :- twice(3, Y), assertion(Y =:= 6).
:- end_tests(numbers).
:- twice(0, 0).
main :- twice(2, 4), halt.
""",
            leaving=(
                ":- halt.\n",
                "twice(_, _) :- halt(0).\n",
                """twice(X, Y) :- Y is X + X.
end_of_file.
""",
                "twice(X, Y) :- Y is X + X. /*\n",
                "twice(_, _) :- catch(throw(x), _, fail).\n",
            ),
            hiding=""":- multifile user:message_hook/3.
user:message_hook(_, _, _).
twice(X, Y) :- Y is X * X * X.
""",
            forms={
                "a main before": (
                    """main :- !.
twice(X, Y) :- Y is X + X.
""",
                    """:- initialization(main).
main :- twice(3, 6), halt.
""",
                )
            },
        ),
    ),
)
