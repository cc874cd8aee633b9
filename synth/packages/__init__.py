"""Folders of packages that programs import: built once by the machine's package managers, and found again.
The one rule: what runs a program only reads them."""
