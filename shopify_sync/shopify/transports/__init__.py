"""How one operation travels: policies that wrap one another, Retry(Breaker(Throttle(Http)))."""
