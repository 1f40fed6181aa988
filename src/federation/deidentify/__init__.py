"""What may be told of people without naming them: bands of age, labels that enough people share, suppressed counts.

Pure functions over plain values: no database, no clock. docs/security.md says what is guaranteed, and what is not.
"""

from federation.deidentify.bands import TWENTIES, band_in_fives, band_in_twenties
from federation.deidentify.labels import OTHER, THRESHOLD, UNKNOWN, Labels, fold, share_labels
from federation.deidentify.publication import Publication, publish
from federation.deidentify.suppression import Cell, publish_table

__all__ = [
    "OTHER",
    "THRESHOLD",
    "TWENTIES",
    "UNKNOWN",
    "Cell",
    "Labels",
    "Publication",
    "band_in_fives",
    "band_in_twenties",
    "fold",
    "publish",
    "publish_table",
    "share_labels",
]
