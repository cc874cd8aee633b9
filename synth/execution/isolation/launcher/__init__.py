"""The processes that carry out a policy: the C launcher, its init, the warm start of interpreters, and a
launcher in Python."""
