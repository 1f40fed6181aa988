"""Other hospitals: where they are, what they know of their patients, and how fresh our copy of it is.

Its tables and connectors arrive with the hospital endpoints.
"""
