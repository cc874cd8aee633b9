"""A cache of observations in front of any sandbox."""
