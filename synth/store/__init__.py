"""The run folder: shards, index, journal, products, and the views over them."""
