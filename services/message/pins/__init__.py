"""Messages that a conversation keeps in view."""
