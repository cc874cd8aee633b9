"""The cost of packages that programs import."""
