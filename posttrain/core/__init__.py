"""The shared model core: policy, tokenizer and chat template, adapters, special tokens, checkpoints."""
