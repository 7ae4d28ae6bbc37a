"""Messages that are written later."""
