"""Who somebody is: accounts, the ways to sign in, sessions and the roles people ask for.

Identity turns a password, a token or a portal session into an `Actor`. It knows nothing of patients; what an actor may
see of them is care's business.
"""
