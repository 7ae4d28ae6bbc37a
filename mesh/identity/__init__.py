"""Who is calling: access tokens, the keys that prove them, and the principal they stand for."""
