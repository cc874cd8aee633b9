"""The sandbox of this machine: which program runs when. The one rule: it knows no expected value."""
