"""Log-in by OpenID providers: what is kept while a browser is away there, and whose account it comes back to."""
