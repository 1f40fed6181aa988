"""Copying a hospital: page by page in a job, or as a whole while somebody waits. One copy of a hospital at a time."""

from federation.service.ingest.copying import Copied, copy_hospital

__all__ = ["Copied", "copy_hospital"]
