"""R: stdin/stdout programs."""

from synth.languages.scripting import appended
from synth.languages.spec import ConformancePrograms, Language, Script, Zygote, read_driver

LANGUAGE = Language(
    name="r",
    file_name="main.R",
    tools=("Rscript",),
    install="apt-get install -y r-base-core",
    paths=("/etc/R",),
    run_command=("{Rscript}", "--vanilla", "main.R"),
    environment={"R_DEFAULT_INTERNET_TIMEOUT": "1"},
    runtime_mb=128,
    runtime_threads=8,
    data_limit=False,
    zygote=Zygote(
        {"main.R": read_driver("r_zygote.R")}, skipped_function="R_CleanTempDir", runs=frozenset({"programs"})
    ),
    script=Script(files=appended("main.R", "invisible(base::system('printf MARK >&3'))")),
    hello="""numbers <- scan(file("stdin"), quiet = TRUE)
cat(sum(numbers), "\\n")
""",
    samples=ConformancePrograms(
        wrong="cat(5)\n",
        hanging="while (TRUE) {}\n",
        crashing='stop("no")\n',
        broken="cat(5\n",
    ),
)
