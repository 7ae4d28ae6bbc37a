"""People who can be mentioned together."""
