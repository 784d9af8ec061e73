"""Cedar policy: roles and grants compiled to it, and the decision. Pure; only `engine` knows that cedarpy exists."""
