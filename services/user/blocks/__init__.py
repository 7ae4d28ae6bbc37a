"""People whom a user does not want to hear from."""
