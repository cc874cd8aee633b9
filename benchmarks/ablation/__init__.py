"""Ablation: is a model trained on verified data better than one trained on the same amount of data without
verdicts, or with wrong ones?"""
