"""Filters answer, they do not act: each returns keep, or reject with a reason and its evidence. The runner counts and stores."""
