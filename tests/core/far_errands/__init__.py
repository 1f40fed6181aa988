"""An app for tests alone: errands for a worker in a process of its own, which a test cannot reach otherwise."""
