"""An OS sandbox for one command at a time. The one rule: isolation knows no language."""
