"""What may be told of people without naming them: the rules by themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.deidentify import (
    OTHER,
    TWENTIES,
    band_in_fives,
    band_in_twenties,
    publish,
    publish_table,
    share_labels,
)


def shown(table):
    """The table as it is published, with None for what is hidden."""
    cells = publish_table(table)
    return cells and {cell.label: cell.count for cell in cells}


@pytest.mark.parametrize(
    ("age", "fives", "twenties"),
    [
        (None, "unknown", "unknown"),
        (0, "0-4", "0-19"),
        (4, "0-4", "0-19"),
        (5, "5-9", "0-19"),
        (79, "75-79", "60-79"),
        (80, "80-84", "80+"),
        (89, "85-89", "80+"),
        (90, "90+", "80+"),
        (130, "90+", "80+"),
    ],
)
def test_ages_are_told_in_bands_and_nobody_is_older_than_the_last(age, fives, twenties):
    assert band_in_fives(age) == fives
    assert band_in_twenties(age) == twenties
    assert twenties in TWENTIES


class TestLabels:
    def test_eleven_people_make_a_label(self):
        labels = share_labels([("Asthma", 11), ("Gout", 10)])

        assert labels.show("Asthma") == "Asthma"
        assert labels.show("Gout") == OTHER
        assert labels.show("never counted") == OTHER

    def test_spellings_count_together(self):
        labels = share_labels([("Influenza", 6), ("  INFLUENZA ", 3), ("influenza", 2)])

        assert {labels.show(each) for each in ("Influenza", "INFLUENZA", "influenza  ")} == {"influenza"}

    def test_a_spelling_is_told_that_enough_people_have(self):
        labels = share_labels([("Type 2 diabetes", 40), ("type 2 diabetes", 12), ("TYPE 2 DIABETES (mother: Ann)", 1)])

        assert labels.show("type 2 diabetes") == "Type 2 diabetes"
        assert labels.show("TYPE 2 DIABETES (mother: Ann)") == OTHER

    def test_equally_frequent_spellings_are_decided_alike_in_any_order(self):
        counted = [("GOUT", 12), ("Gout", 12)]

        assert share_labels(counted).show("gout") == share_labels(reversed(counted)).show("gout")

    def test_no_label_is_unknown_and_a_label_called_other_is_other(self):
        labels = share_labels([("", 8), ("   ", 2), ("Unknown", 1), ("Other", 50)])

        assert labels.show("") == labels.show("unknown") == "unknown"
        assert labels.show("OTHER") == OTHER

    @given(st.lists(st.tuples(st.text(max_size=8), st.integers(1, 15))))
    def test_whatever_is_shown_is_shared(self, counted):
        labels = share_labels(counted)

        for spelling, _ in counted:
            sharing = sum(count for other, count in counted if labels.show(other) == labels.show(spelling))
            assert labels.show(spelling) == OTHER or sharing >= 11

    @given(st.lists(st.tuples(st.sampled_from(["a", "A", "b", " b", "c"]), st.integers(1, 15)), min_size=1))
    def test_looking_at_a_few_labels_gives_the_same_as_looking_at_all(self, counted):
        wanted = counted[0][0]

        assert share_labels(counted, among={wanted}).show(wanted) == share_labels(counted).show(wanted)


class TestOneTable:
    def test_large_counts_and_zeros_are_shown(self):
        table = {"M": 40, "F": 11, "O": 0}

        assert shown(table) == table

    def test_a_small_count_takes_the_next_smallest_with_it(self):
        assert shown({"a": 50, "b": 30, "c": 5}) == {"a": 50, "b": None, "c": None}

    def test_of_equal_counts_the_first_by_name_is_the_next_smallest(self):
        assert shown({"z": 30, "y": 30, "c": 5}) == {"z": 30, "y": None, "c": None}

    def test_two_small_counts_hide_each_other(self):
        assert shown({"a": 50, "b": 4, "c": 5}) == {"a": 50, "b": None, "c": None}

    def test_two_ones_do_not(self):
        """Together they are 2, so each would be certain."""
        assert shown({"a": 50, "b": 1, "c": 1}) == {"a": None, "b": None, "c": None}

    def test_ten_people_are_not_hidden_behind_a_count_that_cannot_be_larger(self):
        """`b` is at most 30 for being hidden before `c`, so `a` would have to be 10."""
        assert shown({"a": 10, "b": 30, "c": 30, "d": 400}) == {"a": None, "b": None, "c": None, "d": 400}

    def test_one_person_beside_eleven_cannot_be_hidden(self):
        assert shown({"a": 1, "b": 11}) is None


class TestADay:
    TABLES = {"gender": {"M": 40, "F": 33, "O": 0}, "hospital": {"North": 50, "South": 23}}

    def told(self, tables, told=None):
        publication = publish(tables, told=told or {})
        return publication, {
            name: {cell.label: cell.count for cell in cells} for name, cells in (publication.tables or {}).items()
        }

    def test_the_total_is_rounded_to_five(self):
        publication, tables = self.told(self.TABLES)

        assert publication.total == 75
        assert tables == self.TABLES

    @pytest.mark.parametrize(("people", "total"), [(0, 0), (11, None), (12, None), (13, 15), (17, 15), (18, 20)])
    def test_no_total_is_one_to_ten(self, people, total):
        assert publish({"gender": {"F": people}}, told={}).total == total

    @pytest.mark.parametrize("people", range(1, 11))
    def test_up_to_ten_people_are_all_told_alike(self, people):
        publication, tables = self.told({"gender": {"M": people // 2, "F": people - people // 2}})

        assert (publication.total, tables) == (None, {})

    def test_one_table_that_cannot_be_made_safe_keeps_all_back(self):
        publication, tables = self.told({"gender": {"M": 1, "F": 11}, "hospital": {"North": 12}})

        assert (publication.total, tables) == (None, {})

    def test_tables_of_different_people_are_a_mistake(self):
        with pytest.raises(ValueError, match="same people"):
            publish({"gender": {"F": 20}, "hospital": {"North": 21}}, told={})

    def test_a_count_that_moved_a_little_is_told_as_it_was(self):
        first, tables = self.told(self.TABLES)
        moved = {"gender": {"M": 41, "F": 46, "O": 0}, "hospital": {"North": 40, "South": 47}}
        second, tables = self.told(moved, first.told)

        assert tables == {"gender": {"M": 40, "F": 46, "O": 0}, "hospital": {"North": 50, "South": 47}}
        assert second.total == 85

    def test_little_by_little_is_still_little(self):
        """What counts is how far a count is from what was told, not from the day before."""
        told, seen = {}, []
        for people in (40, 45, 50, 51, 55):
            publication, tables = self.told({"gender": {"F": people}}, told)
            told = publication.told
            seen.append((tables["gender"]["F"], publication.total))

        assert seen == [(40, 40), (40, 40), (40, 40), (51, 50), (51, 50)]

    def test_a_day_on_which_a_count_was_hidden_does_not_make_it_new(self):
        first, _ = self.told({"gender": {"M": 60, "F": 40, "O": 0}})
        second, tables = self.told({"gender": {"M": 60, "F": 40, "O": 3}}, first.told)
        third, _ = self.told({"gender": {"M": 60, "F": 41, "O": 0}}, second.told)

        assert tables["gender"] == {"M": 60, "F": None, "O": None}
        assert [cell.count for cell in third.tables["gender"]] == [60, 40, 0]

    def test_a_count_that_becomes_small_is_hidden_at_once(self):
        first, _ = self.told({"gender": {"M": 60, "F": 12, "O": 30}})
        _, tables = self.told({"gender": {"M": 60, "F": 10, "O": 30}}, first.told)

        assert tables["gender"] == {"M": 60, "F": None, "O": None}
