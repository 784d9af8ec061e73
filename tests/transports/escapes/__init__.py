"""Ways out of a sandbox: `attacks` runs inside and tries them, `outside` holds what they are after."""
