"""Protocols of public benchmarks: how each asks a model, and what it takes of the model's text. One module a
family of benchmarks."""
