"""The processes that carry out a policy: the C launcher, its init, warm starts of interpreters, and a
launcher in Python."""
