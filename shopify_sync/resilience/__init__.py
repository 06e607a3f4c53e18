"""State machines that keep a client polite and patient: buckets, breaker, backoff. Pure; the clock is passed in."""
