"""Many programs that do their worst, in one go: what is left of them in the process that supervises."""
