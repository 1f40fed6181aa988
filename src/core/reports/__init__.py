"""Files that take long to write: asked for, written by a job, kept for a day, downloaded by who may still have them.

Whoever owns the data registers a kind of report; core knows files, jobs and when things expire, and never what a row
means. Whether somebody may have a report is judged three times, by the rights of that moment: when it is asked for,
when it is written, and at each download.
"""

from core.reports.download import ReportFile, open_report
from core.reports.kinds import ReportKind, ReportRow, ReportRows, register
from core.reports.schemas import ReportIn, ReportOut, ReportRequestedOut
from core.reports.shelf import count_request, create_report, forget_expired_reports, get_report, list_reports

__all__ = [
    "ReportFile",
    "ReportIn",
    "ReportKind",
    "ReportOut",
    "ReportRequestedOut",
    "ReportRow",
    "ReportRows",
    "count_request",
    "create_report",
    "forget_expired_reports",
    "get_report",
    "list_reports",
    "open_report",
    "register",
]
