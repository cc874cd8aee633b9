"""The languages: one file each, or a folder for a language with a driver or other files.

`registry` finds them, `spec` defines their fields, `toolchain` finds their tools, and `support` holds helpers
that several share. The one rule: every fact about a language is in its own module.
"""
