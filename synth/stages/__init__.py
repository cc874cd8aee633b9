"""One module per step of the flow: each turns units of one kind into units of the next, or rejects them
with a reason."""
