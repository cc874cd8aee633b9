"""The loop: generate, verify, select, train, swap the new policy in, evaluate, again."""
