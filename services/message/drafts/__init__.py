"""What somebody has begun to write, kept for all of their devices."""
