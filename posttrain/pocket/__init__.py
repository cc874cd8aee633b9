"""The built-in default model: its world, corpus, tokenizer and training from scratch."""
