# What the warm R reads before the programs: it loads what most of them use. It leaves nothing behind.
invisible(gc())
