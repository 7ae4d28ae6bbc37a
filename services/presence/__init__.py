"""Who is there, on how many devices, and what they say about it."""
