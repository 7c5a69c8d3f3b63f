"""Whether a training function can be paused bit for bit, and what was forgotten if not."""
