"""The flow on real source trees with an endpoint whose answers are of known truth."""
