"""Recall and false alarms of the decontamination filter on real code and real prose."""
