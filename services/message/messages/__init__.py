"""Messages and their versions."""
