"""What happened, in order: logs of changes, and the streams that carry them."""
