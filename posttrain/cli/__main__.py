"""`python -m posttrain.cli`, the console command."""

from posttrain.cli import main

main()
