"""Durable events: a service commits them to its outbox, a relay publishes them, a bus brings them to consumers."""
