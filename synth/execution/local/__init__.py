"""The sandbox on this machine, and its schedule. The one rule: it knows no expected value."""
