"""What has been delivered and read: marks of members, marks in threads, and what is left unread."""
