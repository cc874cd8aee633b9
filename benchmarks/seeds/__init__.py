"""How many seeds of real source trees become references."""
