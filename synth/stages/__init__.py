"""One module an arrow of the flow: each turns units of one kind into units of the next, and says why when it
does not."""
