"""Search providers, each against a server on loopback."""
