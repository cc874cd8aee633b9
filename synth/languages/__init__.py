"""The languages: a file each, or a folder where a language has a driver or other files.

`registry` finds them, `spec` says what they state, `toolchain` finds their tools, `support` holds the helpers
that several share. The one rule: every fact of a language stands in its own module.
"""
