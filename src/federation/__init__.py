"""Other hospitals: where they are, what they know of their patients, and how fresh our copy of it is.

A hospital answers at an address of its own, in one of the formats of `connectors`. What it says becomes records here,
page by page, each with where it came from; what it cannot say properly becomes a problem that is counted. A hospital
that fails keeps its last good copy and never fails the others.
"""
