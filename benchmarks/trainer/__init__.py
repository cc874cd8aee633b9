"""What the trainers keep of what they learned, and what they cost."""
