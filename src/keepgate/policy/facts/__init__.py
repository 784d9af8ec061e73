"""What arguments mean, worked out by pure code so that no policy needs to take strings apart (docs/policy.md).

Facts are about every value that an argument has, lists included. What cannot be told for certain is left out: a
permit that needs it then does not permit, and a denial made from a role denies.
"""
