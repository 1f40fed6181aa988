"""The portal's addresses. A page below another one has its name and a dash more: the navigation goes by that."""

from django.urls import path

from portal.views import appointments, booking, doctors, me, patients, report, schedules, today
from portal.views.administration import audit, role_decisions, users
from portal.views.home import home
from portal.views.role_requests import own_role_requests
from portal.views.sign_in import sign_in, sign_out

app_name = "portal"
urlpatterns = [
    path("", home, name="home"),
    path("sign-in/", sign_in, name="sign-in"),
    path("sign-out/", sign_out, name="sign-out"),
    path("patients/", patients.list_patients, name="patients"),
    path("patients/new/", patients.add_patient, name="patients-add"),
    path("patients/check/<slug:field>/", patients.check_patient_field, name="patients-check"),
    path("patients/<uuid:patient_id>/", patients.show_chart, name="patients-chart"),
    path("patients/<uuid:patient_id>/edit/", patients.edit_chart, name="patients-edit"),
    path("patients/<uuid:patient_id>/delete/", patients.delete_chart, name="patients-delete"),
    path("patients/<uuid:patient_id>/access/", patients.show_access, name="patients-access"),
    path("patients/<uuid:patient_id>/assign/", patients.assign_doctor, name="patients-assign"),
    path("patients/<uuid:patient_id>/team/<uuid:membership_id>/end/", patients.end_membership, name="patients-end"),
    path("doctors/", doctors.list_doctors, name="doctors"),
    path("doctors/new/", doctors.add_doctor, name="doctors-add"),
    path("doctors/check/<slug:field>/", doctors.check_doctor_field, name="doctors-check"),
    path("doctors/<uuid:doctor_id>/", doctors.show_entry, name="doctors-entry"),
    path("doctors/<uuid:doctor_id>/edit/", doctors.edit_entry, name="doctors-edit"),
    path("doctors/<uuid:doctor_id>/delete/", doctors.delete_entry, name="doctors-delete"),
    path("doctors/<uuid:doctor_id>/verification/", doctors.decide_verification, name="doctors-verification"),
    path("today/", today.show_day, name="today"),
    path("today/<uuid:appointment_id>/<slug:move>/", today.move_on_board, name="today-move"),
    path("book/", booking.choose_time, name="book"),
    path("book/at/", booking.book_at, name="book-at"),
    path("appointments/<uuid:appointment_id>/", appointments.show_appointment, name="appointment"),
    path("appointments/<uuid:appointment_id>/reschedule/", appointments.reschedule, name="appointment-reschedule"),
    path("appointments/<uuid:appointment_id>/<slug:move>/", appointments.move_appointment, name="appointment-move"),
    path("schedules/", schedules.list_schedules, name="schedules"),
    path("schedules/<uuid:doctor_id>/", schedules.show_week, name="schedules-week"),
    path("schedules/<uuid:doctor_id>/hours/", schedules.add_hours, name="schedules-hours"),
    path("schedules/hours/<uuid:schedule_id>/delete/", schedules.delete_hours, name="schedules-hours-delete"),
    path("schedules/<uuid:doctor_id>/time-off/", schedules.add_time_off, name="schedules-time-off"),
    path("schedules/time-off/<uuid:time_off_id>/delete/", schedules.delete_time_off, name="schedules-time-off-delete"),
    path("report/", report.show_report, name="report"),
    path("report/export.csv", report.export_report, name="report-export"),
    path("me/appointments/", appointments.list_own, name="my-appointments"),
    path("me/record/", me.show_record, name="my-record"),
    path("me/record/edit/", me.edit_record, name="my-record-edit"),
    path("me/access/", me.show_access, name="my-access"),
    path("me/account/", me.show_account, name="my-account"),
    path("me/account/password/", me.change_password, name="my-account-password"),
    path("role-requests/", own_role_requests, name="role-requests"),
    path("administration/role-requests/", role_decisions.list_role_decisions, name="role-decisions"),
    path(
        "administration/role-requests/<uuid:request_id>/",
        role_decisions.decide_role_request,
        name="role-decisions-one",
    ),
    path("administration/users/", users.list_users, name="users"),
    path("administration/users/<uuid:user_id>/", users.show_user, name="users-account"),
    path("administration/users/<uuid:user_id>/role/", users.change_role, name="users-role"),
    path("administration/users/<uuid:user_id>/deactivate/", users.deactivate_user, name="users-deactivate"),
    path("administration/users/<uuid:user_id>/activate/", users.activate_user, name="users-activate"),
    path("administration/audit/", audit.search_audit, name="audit"),
]
