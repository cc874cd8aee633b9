"""The reward server: programs and rows come in over HTTP, results and verdicts go out. The one rule: a
fault of ours is said as a fault, never as a label."""
