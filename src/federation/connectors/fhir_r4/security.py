"""Labels with which a hospital restricts a resource (FHIR R4 `meta.security`)."""

from federation.connectors.fhir_r4.elements import Element, text_in

_CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
# Unrestricted, low, moderate, normal.
_ORDINARY = {"U", "L", "M", "N"}


def is_restricted(resource: Element) -> bool:
    """Tell whether a resource carries any label but that of ordinary confidentiality.

    Unknown labels restrict, and so do labels of a shape that cannot be read.
    """
    meta = resource.get("meta") or {}
    labels = (meta.get("security") or []) if isinstance(meta, dict) else None
    if not isinstance(labels, list):
        return True
    return any(
        text_in(label, "system") != _CONFIDENTIALITY or text_in(label, "code") not in _ORDINARY for label in labels
    )
