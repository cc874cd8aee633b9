# What the warm R reads before the programs: it loads what nearly every program uses, and leaves nothing behind.
local(for (name in c("scan", "file", "cat", "sum", "close")) get(name, baseenv()))
invisible(gc())
invisible(gc())
