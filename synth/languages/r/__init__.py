"""R: stdin/stdout programs."""

from synth.languages.r.conformance import HELLO, SAMPLES, STUBS
from synth.languages.spec import FailureWords, Language, Script, Zygote
from synth.languages.support.scripts import appended
from synth.languages.support.sources import read_source

LANGUAGE = Language(
    name="r",
    file_name="main.R",
    tools=("Rscript",),
    install="apt-get install -y r-base-core",
    paths=("/etc/R",),
    comment_signs=("#",),
    run_command=("{Rscript}", "--vanilla", "main.R"),
    environment={"R_DEFAULT_INTERNET_TIMEOUT": "1"},
    runtime_mb=128,
    runtime_threads=8,
    data_limit=False,
    zygote=Zygote(
        {"main.R": read_source("r/zygote.R")}, skipped_function="R_CleanTempDir", runs=frozenset({"programs"})
    ),
    script=Script(files=appended("main.R", "invisible(base::system('printf MARK >&3'))")),
    failures=FailureWords(
        fatal_out_of_memory=("cannot allocate vector of size",), uncaught=("^Execution halted$",)
    ),
    hello=HELLO,
    stubs=STUBS,
    samples=SAMPLES,
)
