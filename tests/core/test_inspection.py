"""What is shown of a past that is in part not to be read: as it is, and never in place of what is."""

import msgspec
from msgspec.structs import replace

from core.inspection import Inspection, as_json
from core.time_travel import Moment, Past
from tests.core.pasts import NOW, PAID, PURSE


def test_an_entry_that_nothing_is_rebuilt_from_is_shown_as_it_is() -> None:
    """It is older than the snapshot that the past begins with, so what is wrong with it changes nothing."""
    odd = replace(PAID.entries[1], command="{", events="none", reply="")
    past = Past(PURSE, "a", PAID.snapshots, [odd, PAID.entries[2]])
    inspection = Inspection(past, Moment(3, NOW), 10)
    lines = list(inspection.lines())
    assert [line.split()[2:] for line in lines if line.startswith("  2  ")] == [["{"]]
    assert "     event none" in lines
    document = msgspec.json.decode(as_json(inspection.document()))
    assert [document["history"][0][name] for name in ("command", "events", "reply")] == ["{", "none", None]
    assert document["state"] == {"coins": 22}
    assert document["why"]["verdict"] == "same"
