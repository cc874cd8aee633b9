"""A cache of observations in front of any sandbox. The one rule: it runs nothing itself."""
