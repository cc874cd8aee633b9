"""Sandboxes on other machines: a worker inside, fed batches of requests; behind it whatever lends the
machines (E2B; containers)."""
