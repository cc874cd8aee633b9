"""Sandboxes on other machines: a worker inside that receives batches of program plans, and the service that
lends the machines. The one rule: they know no expected value."""
