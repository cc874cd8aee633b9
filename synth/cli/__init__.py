"""The console commands of the data factory."""
