"""keepgate as resource server of a real OpenID provider."""
