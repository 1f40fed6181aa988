"""Scheduling's face: working hours, free time, appointments and the clinic's report."""

from scheduling.service.appointments import (
    cancel_appointment,
    delete_appointment,
    get_appointment,
    list_appointments,
    list_my_appointments,
    mark_arrived,
    mark_fulfilled,
    mark_noshow,
    override_appointment,
)
from scheduling.service.booking import book_appointment, count_booking, find_conflict, reschedule_appointment
from scheduling.service.day_board import DayBoard, DayCount, get_day_board, get_own_calendar, list_calendars
from scheduling.service.entries import AppointmentEntry, OpenedAppointment, open_appointment
from scheduling.service.free_time import list_free_slots, search_free_slots
from scheduling.service.free_weeks import FreeDay, FreeWeek, list_bookable_doctors, list_free_weeks
from scheduling.service.own import OwnAppointments, list_charts_to_book_for, list_own_appointments
from scheduling.service.profile import get_full_profile, update_full_profile
from scheduling.service.report_export import export_report
from scheduling.service.reports import get_report
from scheduling.service.rights import AppointmentRights, DeskRights, get_desk_rights
from scheduling.service.schedules import (
    create_schedule,
    create_time_off,
    delete_schedule,
    delete_time_off,
    get_schedule,
    list_schedules,
    list_time_off,
    update_schedule,
)
from scheduling.service.taken_along import (
    find_appointments_to_take,
    get_scope_of_appointments,
    may_have_appointments,
)
from scheduling.service.week import Stretch, Week, create_schedules, get_week

__all__ = [
    "AppointmentEntry",
    "AppointmentRights",
    "DayBoard",
    "DayCount",
    "DeskRights",
    "FreeDay",
    "FreeWeek",
    "OpenedAppointment",
    "OwnAppointments",
    "Stretch",
    "Week",
    "book_appointment",
    "cancel_appointment",
    "count_booking",
    "create_schedule",
    "create_schedules",
    "create_time_off",
    "delete_appointment",
    "delete_schedule",
    "delete_time_off",
    "export_report",
    "find_appointments_to_take",
    "find_conflict",
    "get_appointment",
    "get_day_board",
    "get_desk_rights",
    "get_full_profile",
    "get_own_calendar",
    "get_report",
    "get_schedule",
    "get_scope_of_appointments",
    "get_week",
    "list_appointments",
    "list_bookable_doctors",
    "list_calendars",
    "list_charts_to_book_for",
    "list_free_slots",
    "list_free_weeks",
    "list_my_appointments",
    "list_own_appointments",
    "list_schedules",
    "list_time_off",
    "mark_arrived",
    "mark_fulfilled",
    "mark_noshow",
    "may_have_appointments",
    "open_appointment",
    "override_appointment",
    "reschedule_appointment",
    "search_free_slots",
    "update_full_profile",
    "update_schedule",
]
