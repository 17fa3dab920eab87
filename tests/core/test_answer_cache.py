"""The answer cache as a pure entity: what may be served, what goes, what is learned; a replay gives the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.answer_cache import AnswerCache, report, scope_of
from core.answer_cache_messages import Ask, CacheRules, Entry, Keep, Prune, Serve
from core.answer_cache_prior import PRIOR
from core.errors import BadInput
from core.hit_bounds import HitBounds
from core.tenancy import TenantContext
from tests.core.one_answer_cache import ROOM, RULES, SURE, UNSURE, OneCache, auditing, judged


def served(cache: OneCache, entry_id: str, **how: object) -> bool:
    return isinstance(cache.judge(judged(entry_id), **how), Serve)  # type: ignore[arg-type]


@pytest.fixture
def cache() -> OneCache:
    """A cache that was audited so often that it is audited no more: what comes of it is no matter of chance."""
    audited_often = OneCache()
    audited_often.state = AnswerCache(bounds=HitBounds(audits=1e9))
    return audited_often


def test_the_same_words_are_served_at_once_and_what_is_surely_right_too(cache: OneCache) -> None:
    entry_id = cache.entry_id()
    exact = cache.judge(exact=entry_id)
    assert exact == Serve(entry_id, 1.0, cache.state.changes, exact=True, cost_usd=0.01)
    near = cache.judge(judged(entry_id))
    assert isinstance(near, Serve)
    assert 0.98 < near.probability < 1.0
    told = report(cache.state, RULES, PRIOR.scores)
    assert (told.hits, told.exact_hits, told.saved_usd) == (2, 1, 0.02)


def test_what_is_unsure_or_forbidden_is_asked(cache: OneCache) -> None:
    entry_id = cache.entry_id()
    unsure = cache.judge(judged(entry_id, UNSURE))
    assert isinstance(unsure, Ask)
    assert unsure.compared == judged(entry_id, UNSURE)
    assert isinstance(cache.judge(judged(entry_id, SURE, forbidden=True)), Ask)


def test_an_entry_of_another_scope_is_never_served_not_even_for_the_same_words(cache: OneCache) -> None:
    entry_id = cache.entry_id(scope="room/")
    cache.judge(scope="hall/")
    assert not served(cache, entry_id, scope="hall/")
    assert isinstance(cache.judge(exact=entry_id, scope="hall/"), Ask)
    assert served(cache, entry_id)


def test_scopes_differ_by_workspace_and_by_recordings_in_any_order() -> None:
    room, hall = TenantContext("t", "room"), TenantContext("t", "hall")
    scopes = {
        scope_of(room),
        scope_of(hall),
        scope_of(room, ("a",)),
        scope_of(room, ("b",)),
        scope_of(room, ("a", "b")),
    }
    assert len(scopes) == 5
    assert scope_of(room, ("a", "b")) == scope_of(room, ("b", "a", "b"))


def test_an_answer_dies_with_the_recording_that_it_quotes(cache: OneCache) -> None:
    one, both = cache.entry_id(recordings=["talk-1"]), cache.entry_id(recordings=["talk-1", "talk-2"])
    assert cache.drop(recordings=("talk-2",)).dropped == (both,)
    assert not served(cache, both)
    assert isinstance(cache.judge(exact=both), Ask)
    assert served(cache, one)
    assert set(cache.records) == {one}


def test_answers_from_another_library_are_dropped_and_late_ones_are_not_kept(cache: OneCache) -> None:
    old = cache.entry_id(library="l1")
    elsewhere = cache.entry_id(scope="hall/", library="l1")
    assert not served(cache, old, library="l2")
    assert set(cache.records) == {elsewhere}
    late = cache.do(Keep(RULES, "l1", Entry(ROOM, "", 0.0, 0.0, ()), body="{}"))
    assert late.entry_id == ""
    assert served(cache, elsewhere, scope="hall/")


def test_what_is_too_old_is_not_served_and_goes_when_it_is_pruned(cache: OneCache) -> None:
    entry_id = cache.entry_id()
    cache.now += RULES.max_age_s
    assert served(cache, entry_id)
    cache.now += 1.0
    assert not served(cache, entry_id)
    assert cache.records
    cache.do(Prune(RULES.max_age_s))
    assert not cache.records
    assert cache.state.prune_at == 0.0


def test_a_clock_that_is_set_back_serves_nothing_from_the_future(cache: OneCache) -> None:
    entry_id = cache.entry_id()
    cache.now -= 500.0
    assert not served(cache, entry_id)
    cache.now += 500.0
    assert served(cache, entry_id)


def test_of_too_many_entries_those_go_that_were_used_longest_ago() -> None:
    cache = OneCache(CacheRules(max_entries=3, audit_share=0.0))
    ids = []
    for _ in range(3):
        ids.append(cache.entry_id())
        cache.now += 1.0
    cache.judge(exact=ids[0])
    newest = cache.entry_id()
    assert set(cache.state.entries) == {ids[0], ids[2], newest} == set(cache.records)


def test_the_same_words_asked_again_replace_their_entry(cache: OneCache) -> None:
    old = cache.entry_id()
    new = cache.entry_id(replaces=old)
    assert set(cache.state.entries) == {new} == set(cache.records)


def test_equal_answers_share_an_answer_id_and_a_gone_one_begins_anew(cache: OneCache) -> None:
    first = cache.keep()
    second = cache.keep(answer_id=first.answer_id)
    assert second.answer_id == first.answer_id
    assert cache.keep(answer_id="entry/nobody").answer_id == "entry/3"


def test_an_answer_that_is_too_long_is_refused(cache: OneCache) -> None:
    kept = cache.keep()
    long = Keep(RULES, "l1", cache.state.entries[kept.entry_id], body="x" * 20_000)
    with pytest.raises(BadInput, match="longer"):
        cache.do(long)


def test_audits_come_as_often_as_they_should_and_teach() -> None:
    cache, audits = OneCache(auditing(0.3)), 0
    entry_id = cache.entry_id()
    for _ in range(1_000):
        reply = cache.judge(judged(entry_id))
        if isinstance(reply, Ask):
            assert reply.audited
            audits += 1
            cache.do(Keep(cache.rules, "l1", score=SURE, right=True, audited=True, cost_usd=0.5))
    assert 240 <= audits <= 360
    told = report(cache.state, cache.rules, PRIOR.scores)
    assert (told.audits, told.audits_wrong, told.audit_cost_usd) == (audits, 0, audits * 0.5)
    assert told.wrong_low == 0.0 < told.wrong_high < 0.02
    assert told.look_ups == 1_001


def test_wrong_audits_stop_the_serving(cache: OneCache) -> None:
    cache = OneCache()
    entry_id = cache.entry_id()
    for _ in range(20):
        cache.do(Keep(RULES, "l1", score=SURE, right=False, audited=True))
    assert not served(cache, entry_id)
    told = report(cache.state, RULES, PRIOR.scores)
    assert told.threshold is None
    assert told.wrong_low > RULES.delta


def test_in_shadow_nothing_is_served_and_everything_is_learned(cache: OneCache) -> None:
    entry_id = cache.entry_id()
    near, exact = cache.judge(judged(entry_id), shadow=True), cache.judge(exact=entry_id, shadow=True)
    assert isinstance(near, Ask)
    assert isinstance(exact, Ask)
    assert near.audited
    assert exact.audited
    told = report(cache.state, RULES, PRIOR.scores)
    assert (told.hits, told.would_hits) == (0, 2)


def test_workspaces_are_forgotten_one_at_a_time_or_all_together(cache: OneCache) -> None:
    room = [cache.entry_id(scope=scope_of(TenantContext("t", "room"), recordings)) for recordings in ((), ("talk-1",))]
    hall = cache.entry_id(scope="hall/")
    assert set(cache.drop(workspace="room").dropped) == set(room)
    assert cache.drop(everything=True).dropped == (hall,)
    assert not cache.records
    assert not cache.state.entries


@pytest.mark.parametrize(
    "rules",
    [CacheRules(delta=float("nan")), CacheRules(delta=0.9), CacheRules(audit_share=-0.1), CacheRules(max_entries=0)],
)
def test_rules_that_are_none_are_refused(rules: CacheRules) -> None:
    with pytest.raises(BadInput):
        rules.check()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("keep"), st.sampled_from(["room/", "hall/"]), st.sampled_from(["talk-1", "talk-2"])),
        st.tuples(st.just("judge"), st.sampled_from(["room/", "hall/"]), st.integers(1, 12)),
        st.tuples(st.just("source"), st.sampled_from(["talk-1", "talk-2"]), st.just(0)),
        st.tuples(st.just("later"), st.just(""), st.integers(1, 900_000)),
        st.tuples(st.just("library"), st.sampled_from(["room/", "hall/"]), st.integers(1, 3)),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_whatever_happens_only_what_is_there_is_served_and_a_replay_gives_the_same_state(
    told: list[tuple[str, str, object]],
) -> None:
    cache, libraries = OneCache(CacheRules(max_entries=5)), {"room/": "l1", "hall/": "l1"}
    alive: dict[str, tuple[str, str, float]] = {}
    for what, where, detail in told:
        if what == "keep":
            kept = cache.keep(scope=where, recordings=[str(detail)], library=libraries[where])
            for gone in kept.dropped:
                alive.pop(gone, None)
            alive[kept.entry_id] = (where, str(detail), cache.now)
        elif what == "judge":
            reply = cache.judge(judged(f"entry/{detail}"), scope=where, library=libraries[where])
            if isinstance(reply, Serve):
                scope, _, stored_at = alive[reply.entry_id]
                assert scope == where
                assert cache.now - stored_at <= cache.rules.max_age_s
        elif what == "source":
            cache.drop(recordings=(where,))
            alive = {key: its for key, its in alive.items() if its[1] != where}
        elif what == "later":
            cache.now += float(str(detail))
        else:
            libraries[where] = f"l{detail}"
            cache.judge(scope=where, library=libraries[where])
            changed = {key for key in alive if key not in cache.state.entries}
            assert all(alive.pop(key)[0] == where for key in changed)
        assert set(cache.state.entries) == set(alive) == set(cache.records)
    assert cache.replayed() == cache.state
