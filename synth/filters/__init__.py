"""Filters answer, they do not act: `Keep | Reject(reason, evidence)`. The runner counts and stores."""
