"""The appointment book: working hours, free slots, and appointments that cannot be double-booked.

Slots are computed when they are asked for and never stored. Whoever changes a calendar locks it first, and the tables
refuse what would slip past the lock.
"""
