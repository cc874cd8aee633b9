"""Driver sources, each in its own language. They run inside the sandbox, never in codemill's own process."""
