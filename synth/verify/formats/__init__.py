"""Public test formats: problems and samples of benchmarks as rows of `codemill verify`. One module a
format."""
