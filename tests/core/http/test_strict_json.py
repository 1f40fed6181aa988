"""JSON by the letter, bounded before anything is built from it."""

import io
import json

import ijson
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.http import OutboundError
from core.http.strict_json import DEEPEST, HEAVIEST, LONGEST_RECORD, Depth, Outline, StreamGuard, decode

KIB = 1024
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text()
    | st.sampled_from(['"', "\\", '\\"', "[[{", "\\u"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def code_of(body):
    with pytest.raises(OutboundError) as failure:
        decode(body)
    return failure.value.code


def guard(body, size):
    """Pass a document through the guard in pieces; the code of the refusal, None where there is none."""
    watching = StreamGuard()
    try:
        for start in range(0, len(body), size):
            watching.pass_on(body[start : start + size])
        watching.pass_on(b"")
    except OutboundError as failure:
        return failure.code
    return None


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans())
def test_every_value_comes_back(value, ascii_only):
    assert decode(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(VALUES, st.integers(1, 7))
def test_the_outline_is_the_same_however_a_document_is_cut(value, size):
    body = json.dumps(value, ensure_ascii=False).encode()
    whole, pieces, depth = Outline(), Outline(), Depth()
    bones, text = whole.strip(body)
    stripped = [pieces.strip(body[start : start + size]) for start in range(0, len(body), size)]
    assert b"".join(part for part, _ in stripped) == bones
    assert abs(sum(part for _, part in stripped) - text) <= len(stripped)  # a sign that is escaped across a cut
    for part, _ in stripped:
        depth.follow(part)
    assert bones.count(b"{") == bones.count(b"}") == count(value, dict)
    assert bones.count(b"[") == bones.count(b"]") == count(value, list)
    assert guard(body, size) is None


def count(value, kind):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return isinstance(value, kind) + sum(count(each, kind) for each in inner)


@given(st.binary(max_size=64))
def test_bytes_are_json_or_refused(body):
    """Nothing but a value or one refusal, and never a value that the standard library would not read."""
    refused = None
    try:
        value = decode(body)
    except OutboundError as failure:
        refused = failure.code
    assert refused == "not_json" or value == json.loads(body)


@pytest.mark.parametrize("deep", [DEEPEST, DEEPEST - 1])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_a_document_may_be_as_deep_as_the_limit(opening, closing, deep):
    times = deep // opening.count("[") if opening.count("{") == 0 else deep // (1 + opening.count("["))
    body = (opening * times + "1" + closing * times).encode()
    assert depth_of(decode(body)) == times * (1 if len(closing) == 1 else 2)
    assert guard(body, 5) is None


@pytest.mark.parametrize("deep", [DEEPEST + 1, 1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_document_may_not_be_deeper(opening, closing, deep):
    body = (opening * deep + "1" + closing * deep).encode()
    assert code_of(body) == "too_deep"
    assert guard(body, 5) == guard(body, 64 * KIB) == "too_deep"


def test_brackets_in_text_have_no_depth():
    body = json.dumps(
        {"name": "[" * 100, 'key"{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{': '\\"[' * 50, "end": "\\"}
    ).encode()
    assert decode(body) == json.loads(body)
    assert all(guard(body, size) is None for size in range(1, 40))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"NaN",
        b"[NaN]",
        b"Infinity",
        b"-Infinity",
        b"1e999",
        b"[1,]",
        b'{"a":1,}',
        b"{} {}",
        b"{}x",
        b"// no\n{}",
        b"'a'",
        b"{a:1}",
        b"01",
        b"+1",
        b".5",
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"a\nb"',
        b'"a\x00b"',
        b"\x00",
        b"[" * 10,
        b"]" * 100,
        '"ä"'.encode("utf-16"),
        '"ä"'.encode("latin-1"),
    ],
)
def test_what_is_not_json_by_the_letter_is_refused(body):
    assert code_of(body) == "not_json"


def test_the_last_of_two_equal_keys_counts_for_both_readers():
    body = b'[{"a": 1, "b": 2, "a": 3}]'
    assert decode(body) == [{"a": 3, "b": 2}]
    assert list(ijson.items(io.BytesIO(body), "item")) == [{"a": 3, "b": 2}]


def test_a_refusal_repeats_nothing_of_the_document():
    with pytest.raises(OutboundError) as failure:
        decode(b'{"name": "Canary Wilson", }')
    assert "Canary" not in repr(failure.value)


def test_what_would_weigh_too_much_is_refused_before_it_is_built():
    flood = b"[{}" + b",{}" * (HEAVIEST // 280) + b"]"
    assert len(flood) < 600 * KIB
    assert code_of(flood) == "too_large"


def test_real_pages_are_far_from_too_heavy():
    """A page of 200 rich FHIR patients, four times over."""
    patient = {
        "resourceType": "Patient",
        "identifier": [{"system": f"urn:{n}", "value": str(n), "type": {"coding": [{"code": "MR"}]}} for n in range(6)],
        "name": [{"family": "Rahman", "given": ["Amina", "K."], "use": "official"}] * 2,
        "extension": [{"url": "http://hl7.example/ext", "valueString": "x" * 60}] * 6,
        "address": [{"line": ["1 Road"], "city": "Dhaka", "country": "BD"}],
    }
    body = orjson.dumps({"resourceType": "Bundle", "entry": [{"resource": patient}] * 800})
    assert len(decode(body)["entry"]) == 800


@pytest.mark.parametrize("size", [1400, 64 * KIB])
def test_a_stream_may_be_long_but_no_record_of_it(size):
    record = b'{"patient_id": 1, "notes": ["%s"]}' % (b"x" * 500)
    start = b'{"hospital_name": "A", "records": ['
    assert guard(start + b",".join([record] * 5_000) + b"]}", size) is None
    assert guard(b"[" + b",".join([record] * 5_000) + b"]", size) is None
    swollen = b'{"notes": [%s]}' % b",".join([b'"x"'] * (LONGEST_RECORD // 3))
    assert guard(start + swollen + b"]}", size) == "too_large"
    assert guard(b"[" + swollen + b"]", size) == "too_large"


@pytest.mark.parametrize("token", [b'"' + b"x" * LONGEST_RECORD * 2 + b'"', b"1" * LONGEST_RECORD * 2])
def test_no_text_and_no_number_of_a_stream_is_endless(token):
    assert guard(b'{"hospital_name": ' + token + b"}", 64 * KIB) == "too_large"


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("body", [b"\xef\xbb\xbf[]", b'["\xff"]', b'["\xe4\xbd'])
def test_a_stream_is_utf8_without_a_mark(body, size):
    assert guard(body, size) == "not_json"


def test_a_character_may_be_cut_between_two_pieces_of_a_stream():
    body = '["Ä", "আমিনা", "😀", "\ufeff"]'.encode()
    assert all(guard(body, size) is None for size in range(1, 10))
