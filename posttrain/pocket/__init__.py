"""The embedded default model: its world, corpus, tokenizer and training from scratch."""
