"""Ablation: is a model trained on verified data better than one trained on as much data without verdicts, or
with wrong ones?"""
