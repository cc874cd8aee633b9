"""Vim script: stdin/stdout programs. What a program echoes is collected and printed at its end; stdin is read from /dev/stdin."""

from synth.languages.spec import Language, Samples

_RUN = (
    "let g:codemill_failed = 0 | redir => g:codemill_output | try | silent source main.vim | catch | let g:codemill_failed = 1 | "
    "let g:codemill_problem = v:throwpoint . ': ' . v:exception | endtry | redir END"
)
_PRINT = "enew! | call setline(1, split(g:codemill_output, '\\n', 1)[1:]) | %print"
_END = "if g:codemill_failed | call writefile([g:codemill_problem], '/dev/stderr') | cquit 1 | endif | qall!"

LANGUAGE = Language(
    name="vimscript",
    aliases=("vim", "viml", "vim script"),
    file_name="main.vim",
    tools=("vim",),
    install="apt-get install -y vim",
    grammar="vim",
    written="Vim script",
    run_command=("{vim}", "-N", "-u", "NONE", "-i", "NONE", "-n", "-es", "-c", _RUN, "-c", _PRINT, "-c", _END),
    runtime_threads=4,
    hello="""let total = 0
for word in split(readfile('/dev/stdin')[0])
  let total += str2nr(word)
endfor
echo total
""",
    samples=Samples(
        wrong="echo 5\n",
        hanging="while 1\nendwhile\n",
        crashing="throw 'no'\n",
        broken="function! F(\n  echo (\n",
    ),
)
