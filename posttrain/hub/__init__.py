"""Putting trained policies and exported data sets on the hub. The one rule: nothing is public that was not
asked to be, and no token is ever printed."""
