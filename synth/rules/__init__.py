"""The pure halves of the stages: decisions as functions of values. The one rule: no context, no
await, no files."""
