import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput
from evals import abstention, retrieval
from tests.fakes.embedder import FakeEmbedder

TOPICS = {
    "product": ["remote", "battery", "button", "plastic", "budget", "logo"],
    "academic": ["phoneme", "microphone", "corpus", "grammar", "lattice", "vowel"],
}
FILLER = "Then the people around the table said this and that about several other matters of the day . " * 5


def meeting(name: str, domain: str) -> dict[str, Any]:
    turns = []
    for topic in TOPICS[domain]:
        turns.append(
            {"speaker": "Ada", "text": f"The {topic} {{vocalsound}} question of the {topic} was settled . {FILLER}"}
        )
        turns.append({"speaker": "Bob", "text": FILLER * 3})
    queries = [
        {"query": f"What was settled about the {topic}?", "spans": [[2 * n, 2 * n]]}
        for n, topic in enumerate(TOPICS[domain])
    ]
    queries.append({"query": "Summarize the whole meeting", "spans": []})
    return {"meeting_id": name, "domain": domain, "turns": turns, "queries": queries}


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return folder


ROWS = [meeting("m1", "product"), meeting("m2", "academic"), meeting("m3", "product"), meeting("m4", "academic")]


@pytest.mark.parametrize("name", ["meetings.jsonl.gz", "meetings.jsonl"])
def test_meetings_are_cut_into_passages_that_know_their_turns(tmp_path: Path, name: str) -> None:
    meetings = retrieval.read_meetings(write(tmp_path, name, ROWS))
    assert [it.meeting_id for it in meetings] == ["m1", "m2", "m3", "m4"]
    assert len(meetings[0].queries) == 6
    said = [sentence for passage in meetings[0].passages for sentence in passage.sentences]
    assert said[0].text == "The remote question of the remote was settled ."
    assert {sentence.start_s for sentence in said} == set(map(float, range(12)))
    for query in meetings[0].queries:
        gold = meetings[0].gold(query)
        first, last = query.spans[0]
        assert gold
        for passage in meetings[0].passages:
            turns = {it.start_s for it in passage.sentences}
            assert (passage.index in gold) == any(first <= turn <= last for turn in turns)


def test_what_is_easy_to_find_is_found(tmp_path: Path) -> None:
    meetings = retrieval.read_meetings(write(tmp_path, "meetings.jsonl.gz", ROWS))
    figures = retrieval.measure(meetings, FakeEmbedder().vectors)
    assert figures["queries"] == 24
    assert figures["hit_at_5"] == figures["bm25_hit_at_5"] == 1.0
    assert {"chunk_recall_at_10", "bm25_chunk_recall_at_10", "dense_hit_at_5", "worst_domain"} <= figures.keys()
    assert figures["worst_domain"] in TOPICS


def test_a_judgement_counts_gold_among_the_first_five_and_ten() -> None:
    order = [9, 8, 7, 6, 5, 4, 3]
    assert retrieval._judge(order, frozenset({5, 99})) == (1.0, 0.5)
    assert retrieval._judge(order, frozenset({4})) == (0.0, 1.0)


@pytest.mark.parametrize(
    "content",
    [b"", b"not json\n", b'{"meeting_id": "m"}\n', json.dumps(meeting("m", "product") | {"queries": []}).encode()],
)
def test_data_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match=r"meetings\.jsonl"):
        retrieval.read_meetings(tmp_path)
    (tmp_path / "meetings.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=r"meetings\.jsonl"):
        retrieval.read_meetings(tmp_path)
    (tmp_path / "meetings.jsonl.gz").write_bytes(content)
    with pytest.raises(BadInput, match=r"meetings\.jsonl"):
        retrieval.read_meetings(tmp_path)


def test_a_run_reads_the_data_and_measures_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "packaged_encoder", lambda _: FakeEmbedder().vectors)
    meetings = retrieval.read_meetings(write(tmp_path, "meetings.jsonl.gz", ROWS))
    assert retrieval.run(tmp_path) == retrieval.measure(meetings, FakeEmbedder().vectors)


def test_other_meetings_do_not_answer(tmp_path: Path) -> None:
    meetings = retrieval.read_meetings(write(tmp_path, "meetings.jsonl.gz", ROWS))
    figures = abstention.measure(meetings, FakeEmbedder().vectors)
    assert figures["queries"] == 24
    assert figures["answered"] == figures["abstained_other"] == figures["auc_other"] == 1.0
    assert figures["abstained_same_domain"] == 0.0  # its meetings say the same
    assert figures["auc_same_domain"] == 0.5


def test_abstention_takes_so_many_meetings_from_all_over_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(abstention, "packaged_encoder", lambda _: FakeEmbedder().vectors)
    figures = abstention.run(write(tmp_path, "meetings.jsonl.gz", ROWS), meetings=1)
    assert figures["queries"] == 6
    assert "abstained_other" not in figures
