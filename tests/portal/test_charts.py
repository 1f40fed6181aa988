"""The geometry of the charts."""

from portal.charts import bar_chart, compare_bars, share_chart


def test_the_tallest_bar_takes_all_the_room_and_the_others_their_share():
    chart = bar_chart([("Mo", 10), ("Tu", 5), ("We", 0)], marked=1, sentence="…")

    tallest, half, none = chart.bars
    assert half.height * 2 == tallest.height
    assert none.height == 0
    assert {bar.y + bar.height for bar in chart.bars} == {chart.line}
    assert tallest.number_y > 0
    assert [bar.is_marked for bar in chart.bars] == [False, True, False]


def test_bars_stand_side_by_side_within_the_chart():
    bars = bar_chart([("Mo", 1)] * 14, marked=None, sentence="…")

    for left, right in zip(bars.bars, bars.bars[1:], strict=False):
        assert left.x + left.width < right.x
    assert bars.bars[-1].x + bars.bars[-1].width < bars.width


def test_a_chart_of_nothing_is_flat():
    assert [bar.height for bar in bar_chart([("Mo", 0), ("Tu", 0)], marked=None, sentence="…").bars] == [0, 0]
    assert bar_chart([], marked=None, sentence="…").bars == []


def test_a_share_is_told_in_percent_with_one_decimal():
    third = share_chart(1, 3, sentence="…")

    assert (third.part, third.percent) == (33.3, "33.3")
    assert share_chart(0, 0, sentence="…").percent == "0.0"
    assert share_chart(4, 4, sentence="…").part == 100


def test_stripes_are_as_long_as_their_share_of_the_largest_and_say_so():
    largest, half, untold, none = compare_bars([40, 20, None, 0])

    assert (largest.part, half.part, none.part) == (100, 50, 0)
    assert half.sentence == "50 % of the largest number of this table"
    assert (largest.sentence, none.sentence) == ("The largest number of this table", "Nobody")
    assert untold is None


def test_stripes_of_nothing_are_empty():
    assert compare_bars([]) == []
    assert [stripe.sentence for stripe in compare_bars([0, 0])] == ["Nobody", "Nobody"]
    assert compare_bars([None]) == [None]
