"""Evaluation on held-out tasks: pass@k by the unbiased estimator, with intervals over tasks."""
