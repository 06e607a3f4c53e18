"""The simulated shop: an HTTP server on loopback that speaks the Admin API. See server.py."""
