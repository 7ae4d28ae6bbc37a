"""Keys for programs, which act by them as their user."""
