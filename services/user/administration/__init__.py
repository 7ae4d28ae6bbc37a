"""What the admins of a workspace do to its users."""
