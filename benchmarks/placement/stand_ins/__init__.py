"""Stand-ins for what this machine does not have: GPUs, vLLM's GPU build, and trainings on GPUs."""
