"""The people of the clinic: patients' charts, the doctors' directory, and who treats whom.

Care decides who may see which chart. Everything above (appointments, records, pages) asks it and never decides that
again.
"""
