# What the warm R reads before the programs: it loads what most of them use (R reads a function from its library when it is first called,
# and its own compiler when a function is called for the second time), and leaves nothing behind.
local({
  for (name in ls(asNamespace("compiler"), all.names = TRUE)) get(name, asNamespace("compiler"))
  compiler::cmpfun(function(xs) {
    for (x in xs) while (is.na(x[[1]])) if (x > 1 || !x) break else x$name[[2]] <- -x %% 2
    sapply(xs, function(x) switch(x, a = c(1, x^2), 1:3))
  })
  usual <- c("scan", "file", "cat", "sum", "close", "apply", "as.Date", "as.integer", "do.call", "duplicated", "Filter", "format",
    "gregexpr", "gsub", "is.na", "lapply", "Map", "mapply", "matrix", "max", "mean", "nchar", "order", "outer", "paste", "paste0", "print",
    "readline", "readLines", "Recall", "Reduce", "regmatches", "rep", "rev", "sapply", "seq", "sort", "split", "sprintf", "stdin", "stop",
    "strsplit", "strtoi", "sub", "substr", "substring", "switch", "table", "tail", "toupper", "trimws", "tryCatch", "unique", "unlist",
    "vapply", "which", "write")
  for (name in usual) get(name)
})
invisible(gc())
invisible(gc())
