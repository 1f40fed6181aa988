"""Medical specializations: a code, what it is called, and what else people call it.

The six codes of the documents (DERM CARD NEUR ORTH PED GEN) and those that Synthea's directory of providers uses; its
spellings are among the synonyms, so that imported and typed specializations are the same ones.
"""

from dataclasses import dataclass

from core.text import search_key


@dataclass(frozen=True, slots=True)
class Specialization:
    """One specialization; `label` and `synonyms` all find it, in any case."""

    code: str
    label: str
    synonyms: tuple[str, ...] = ()


SPECIALIZATIONS: tuple[Specialization, ...] = (
    Specialization("ADDM", "Addiction medicine"),
    Specialization("ALLI", "Allergy and immunology", ("allergy/immunology", "allergist", "immunology", "allergy")),
    Specialization("ANES", "Anaesthesiology", ("anesthesiology", "anaesthetics", "anesthesiologist")),
    Specialization("AUDI", "Audiology", ("audiologist",)),
    Specialization(
        "CARD", "Cardiology", ("cardiologist", "cardiovascular disease (cardiology)", "cardiovascular", "heart")
    ),
    Specialization("CEPH", "Cardiac electrophysiology", ("electrophysiology",)),
    Specialization("CHIR", "Chiropractic", ("chiropractor",)),
    Specialization("CNMW", "Midwifery", ("certified nurse midwife", "midwife")),
    Specialization("CNSP", "Clinical nursing", ("clinical nurse specialist",)),
    Specialization("COLO", "Colorectal surgery", ("colorectal surgery (proctology)", "proctology")),
    Specialization(
        "CRIT", "Critical care medicine", ("critical care (intensivists)", "intensive care", "intensivist", "icu")
    ),
    Specialization("CRNA", "Nurse anaesthesia", ("certified registered nurse anesthetist", "nurse anesthetist")),
    Specialization("DERM", "Dermatology", ("dermatologist", "skin")),
    Specialization("DIET", "Dietetics", ("registered dietitian or nutrition professional", "dietitian", "nutrition")),
    Specialization("EMER", "Emergency medicine", ("emergency",)),
    Specialization("ENDO", "Endocrinology", ("endocrinologist",)),
    Specialization("FAMP", "Family medicine", ("family practice", "family doctor")),
    Specialization("GAST", "Gastroenterology", ("gastroenterologist",)),
    Specialization(
        "GEN", "General practice", ("general", "general practitioner", "gp", "general medicine", "general physician")
    ),
    Specialization("GERI", "Geriatric medicine", ("geriatrics", "geriatrician")),
    Specialization("GPSY", "Geriatric psychiatry"),
    Specialization("GSUR", "General surgery", ("surgery", "surgeon")),
    Specialization("GYNO", "Gynaecological oncology", ("gynecological oncology",)),
    Specialization("HAND", "Hand surgery"),
    Specialization("HEMA", "Haematology", ("hematology", "hematologist", "haematologist")),
    Specialization("HEMO", "Haematology and oncology", ("hematology/oncology", "haematology/oncology")),
    Specialization("HOSP", "Hospital medicine", ("hospitalist",)),
    Specialization("HPAL", "Palliative care", ("hospice/palliative care", "hospice", "palliative medicine")),
    Specialization("ICAR", "Interventional cardiology"),
    Specialization("INFD", "Infectious diseases", ("infectious disease",)),
    Specialization("INTM", "Internal medicine", ("internist", "internal")),
    Specialization("IPAI", "Interventional pain management"),
    Specialization("MAXI", "Maxillofacial surgery"),
    Specialization("MONC", "Medical oncology", ("oncology", "oncologist")),
    Specialization("NEPH", "Nephrology", ("nephrologist", "kidney")),
    Specialization("NEUR", "Neurology", ("neurologist",)),
    Specialization("NPSY", "Neuropsychiatry"),
    Specialization("NSUR", "Neurosurgery", ("neurosurgeon",)),
    Specialization("NUCL", "Nuclear medicine"),
    Specialization("NURP", "Nurse practitioner"),
    Specialization(
        "OBGY",
        "Obstetrics and gynaecology",
        ("obstetrics/gynecology", "obstetrics", "gynecology", "gynaecology", "gynecologist", "ob/gyn"),
    ),
    Specialization("OCCT", "Occupational therapy", ("occupational therapist",)),
    Specialization("OPHT", "Ophthalmology", ("ophthalmologist", "eye")),
    Specialization("OPTO", "Optometry", ("optometrist",)),
    Specialization("ORAL", "Oral surgery"),
    Specialization("ORTH", "Orthopaedics", ("orthopedics", "orthopedic surgery", "orthopaedic surgery", "orthopedic")),
    Specialization("OTOL", "Otolaryngology", ("ent", "ear nose throat", "ear, nose and throat")),
    Specialization("PAIN", "Pain management", ("pain medicine",)),
    Specialization("PATH", "Pathology", ("pathologist",)),
    Specialization(
        "PED", "Paediatrics", ("pediatrics", "pediatric medicine", "pediatrician", "paediatrician", "children")
    ),
    Specialization("PHAS", "Physician assistant"),
    Specialization("PHYT", "Physical therapy", ("physiotherapy", "physiotherapist", "physical therapist")),
    Specialization("PLAS", "Plastic surgery", ("plastic and reconstructive surgery", "reconstructive surgery")),
    Specialization("PMRE", "Rehabilitation medicine", ("physical medicine and rehabilitation", "rehabilitation")),
    Specialization("PODI", "Podiatry", ("podiatrist",)),
    Specialization("PSYC", "Psychiatry", ("psychiatrist",)),
    Specialization("PSYL", "Clinical psychology", ("clinical psychologist", "psychology", "psychologist")),
    Specialization("PULM", "Pulmonology", ("pulmonary disease", "pulmonologist", "respiratory medicine")),
    Specialization("RADI", "Radiology", ("diagnostic radiology", "radiologist")),
    Specialization("RADO", "Radiation oncology", ("radiotherapy",)),
    Specialization("RHEU", "Rheumatology", ("rheumatologist",)),
    Specialization("SLEE", "Sleep medicine"),
    Specialization("SOCW", "Clinical social work", ("clinical social worker", "social work")),
    Specialization("SONC", "Surgical oncology"),
    Specialization("SPEE", "Speech therapy", ("speech language pathologist", "speech and language therapy")),
    Specialization("SPOR", "Sports medicine"),
    Specialization("THOR", "Thoracic surgery"),
    Specialization("UROL", "Urology", ("urologist",)),
    Specialization("VASC", "Vascular surgery"),
)

LABELS: dict[str, str] = {each.code: each.label for each in SPECIALIZATIONS}
_BY_NAME: dict[str, str] = {
    search_key(name): each.code for each in SPECIALIZATIONS for name in (each.code, each.label, *each.synonyms)
}


def find_specialization(text: str) -> str | None:
    """Return the code that a code, label or synonym in any case means, or None."""
    return _BY_NAME.get(search_key(text))
