"""Rows as tokens on disk: made once by several processes, read by every training without holding them."""
