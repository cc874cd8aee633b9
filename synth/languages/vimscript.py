"""Vim script: stdin/stdout programs. A program's echoes are collected and printed at its end; stdin is
read from /dev/stdin."""

from synth.languages.conformance import ConformancePrograms, ScriptPrograms, Stub
from synth.languages.spec import FailureWords, Language, Script
from synth.languages.support.scripts import without_exit

_RUN = (
    "let g:codemill_failed = 0 | redir => g:codemill_output | try | silent source main.vim | catch | let "
    "g:codemill_failed = 1 | let g:codemill_problem = v:throwpoint . ': ' . v:exception | endtry | redir END"
)
_PRINT = (
    "enew! | let g:codemill_lines = split(g:codemill_output, '\\n', 1)[1:] | "
    "if !empty(g:codemill_lines) | call setline(1, g:codemill_lines) | %print | endif"
)
"""An empty buffer cannot be printed."""

_TELL = "set verbose=1 | unsilent echo"
"""Writes to stderr, since a program of another user cannot open it by file name."""
_END = f"if g:codemill_failed | {_TELL} g:codemill_problem | cquit 1 | endif | qall!"

_SAID = (
    f"autocmd VimLeavePre * if !empty(v:errors) | {_TELL} 'assertion failed: ' . join(v:errors, '; ') | endif"
)
_ASKED = """
if !empty(v:errors) | throw 'assertion failed: ' . join(v:errors, '; ') | endif
call system("printf '" . MARK . "' >&3")
"""


def _script(code: str, script: str, mark: str) -> dict[str, str]:
    """A failed `assert_equal` does not end the script, so failures are checked at the end."""
    ways = (r"exit ?\(?0\)?", r"(?:qa|qall|q|quit|quitall|exit|xit)!?")
    return {"main.vim": f"{code}\n{without_exit(script, *ways)}\n{_ASKED.replace('MARK', mark)}"}


_VIM = ("{vim}", "-N", "-u", "NONE", "-i", "NONE", "-n", "-es")

LANGUAGE = Language(
    name="vimscript",
    aliases=("vim", "viml", "vim script"),
    file_name="main.vim",
    tools=("vim",),
    install="apt-get install -y vim",
    display_name="Vim script",
    run_command=(*_VIM, "-c", _RUN, "-c", _PRINT, "-c", _END),
    script=Script(
        files=_script,
        run_command=(*_VIM, "-c", _SAID, "-c", _RUN, "-c", _PRINT, "-c", _END),
    ),
    runtime_threads=4,
    failures=FailureWords(uncaught=(r"^command line\.\.script ",)),
    hello="""let total = 0
for word in split(readfile('/dev/stdin')[0])
  let total += str2nr(word)
endfor
echo total
""",
    stubs=(
        Stub(
            head=r"^[ \t]*fu(?:n|nc|nct|ncti|nctio|nction)?!?[ \t]+(?P<name>[\w:#]+)"
            r"\([^()]*\)[^\n]*\n(?P<indent>[ \t]*)",
            early="return VALUE",
            untyped=(("0", "7919"), ("''", "'codemill'"), ("[]", "[7919]")),
        ),
    ),
    samples=ConformancePrograms(
        wrong="echo 5\n",
        hanging="while 1\nendwhile\n",
        crashing="throw 'no'\n",
        broken="function! F(\n  echo (\n",
        script=ScriptPrograms(
            right="""function! Twice(x) abort
  return a:x + a:x
endfunction
""",
            wrong="""function! Twice(x) abort
  return a:x * a:x * a:x
endfunction
""",
            script="""function! TestTwice()
  call assert_equal(6, Twice(3))
  if assert_equal(0, Twice(0)) | cq | endif " zero
endfunction

call TestTwice()
exit(0)
""",
            leaving=(
                "finish",
                "qall!",
                """function! Twice(x)
  qall!
endfunction
""",
                "function! Twice(x)\n",
                "let x =<< END",
            ),
        ),
    ),
)
