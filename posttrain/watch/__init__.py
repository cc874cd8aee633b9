"""Watching a training: what a step costs, whether it goes wrong, when it has learned enough, and what is
there to look at. The one rule: watching never changes a step; it stops a training, or chooses among its
states."""
