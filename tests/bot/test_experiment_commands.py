"""/experiments, /experiment and /flags: who may do what, what is passed on, and what is shown."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from bot import pictures, render_experiments
from bot.command import Call, perform
from bot.command_line import given
from bot.commands import all_commands
from bot.page import Page, Question, Tone
from core.decision_chain import Evidence, Gain, Phase
from core.errors import BadInput, Unavailable
from core.experiment_ports import ExperimentHistory
from core.tenancy import TenantContext
from tests.fakes.assistant import FakeAssistant
from tests.fakes.experiments import EVIDENCE, PLAN, PROMOTED, REPORT, STARTED, FakeExperiments

TENANT = TenantContext("guild-1", "guild", "user-1")
COMMANDS = {command.name: command for command in all_commands()}
PNG = b"\x89PNG\r\n\x1a\n"
MEMBER, MODERATOR, OPERATOR = "member", "moderator", "operator"


@pytest.fixture
def desk() -> FakeExperiments:
    return FakeExperiments()


async def run(
    desk: FakeExperiments | None, line: str, agrees: bool = True, role: str = OPERATOR
) -> tuple[Page, list[Question]]:
    name, _, typed = line.partition(" ")
    asked: list[Question] = []

    async def confirm(question: Question) -> bool:
        asked.append(question)
        return agrees

    call = Call(FakeAssistant(), TENANT, given(COMMANDS[name], typed), confirm=confirm, experimenting=desk)
    call = replace(call, moderator=role != MEMBER, operator=role == OPERATOR)
    page = await perform(COMMANDS[name], call, lambda _: None)
    return page, asked


def said(page: Page) -> str:
    return "\n".join("".join(span.text for span in line.spans) for line in page.lines)


# ---------------------------------------------------------------- who may
@pytest.mark.parametrize("line", ["experiments", "experiment trimming", "flags"])
async def test_they_are_for_moderators(desk: FakeExperiments, line: str) -> None:
    with pytest.raises(BadInput, match="manage this server"):
        await run(desk, line, role=MEMBER)
    await run(desk, line, role=MODERATOR)
    assert len(desk.calls) == 1


@pytest.mark.parametrize("action", ["start", "promote", "rollback"])
async def test_a_step_concerns_every_server_so_a_servers_moderator_may_not(desk: FakeExperiments, action: str) -> None:
    with pytest.raises(BadInput, match=f"/experiment {action} is for those alone who run this bot"):
        await run(desk, f"experiment trimming action={action}", role=MODERATOR)
    assert desk.calls == []


async def test_a_bot_without_experiments_says_so() -> None:
    for line in ("experiments", "experiment trimming", "flags"):
        with pytest.raises(Unavailable, match="Experiments"):
            await run(None, line)


# ---------------------------------------------------------------- what is passed on
async def test_start_needs_no_confirmation_because_nobody_notices_a_shadow(desk: FakeExperiments) -> None:
    page, asked = await run(desk, 'experiment trimming action=start reason="it is cheaper"')
    assert desk.calls == [("start", "trimming", "user-1", "it is cheaper", "")]
    assert (asked, page.title) == ([], "trimming: shadow")


@pytest.mark.parametrize(
    ("action", "step"), [("promote", "promote"), ("rollback", "roll_back")], ids=["promote", "rollback"]
)
async def test_a_step_that_people_notice_is_asked_for_first(desk: FakeExperiments, action: str, step: str) -> None:
    page, (question,) = await run(desk, f"experiment trimming action={action}", agrees=False)
    assert desk.calls == [("show", "trimming")]
    assert said(page) == "Nothing was done: trimming is in canary."
    assert "+0.02 (+0.005 to +0.035)" in said(question.page)
    await run(desk, f"experiment trimming action={action} reason=because")
    assert desk.calls[-1][:4] == (step, "trimming", "user-1", "because")


async def test_the_question_says_whom_a_promotion_concerns(desk: FakeExperiments) -> None:
    for phase, told in ((Phase.SHADOW, "10% of all questions, on every server"), (Phase.CANARY, "Everybody")):
        desk.report = changed(REPORT, phase=phase)
        _, (question,) = await run(desk, "experiment trimming action=promote")
        assert told in said(question.page)


async def test_a_variant_can_be_named(desk: FakeExperiments) -> None:
    page, _ = await run(desk, "experiment trimming action=promote variant=candidate")
    assert desk.calls[-1] == ("promote", "trimming", "user-1", "", "candidate")
    assert said(page) == "From canary to active: everybody has candidate."


async def test_why_it_stays_is_told(desk: FakeExperiments) -> None:
    desk.because = ("There are 12 outcomes.", "The phase has lasted 3.0 of 72 h.")
    page, _ = await run(desk, "experiment trimming action=promote")
    assert (page.title, page.tone) == ("trimming stays in canary", Tone.NOTHING)
    assert said(page) == "• There are 12 outcomes.\n• The phase has lasted 3.0 of 72 h."


async def test_an_experiment_that_there_is_not_is_refused(desk: FakeExperiments) -> None:
    for line in ("experiment routing", "experiment routing action=promote"):
        with pytest.raises(BadInput, match="There is trimming"):
            await run(desk, line)


async def test_names_are_completed(desk: FakeExperiments) -> None:
    call = Call(FakeAssistant(), TENANT, experimenting=desk)
    for command, typed, offered in (("experiment", "RIM", "trimming"), ("flags", "cache", "semantic_cache")):
        complete = COMMANDS[command].arguments[0].complete  # type: ignore[attr-defined]  # both are Text
        assert await complete(call, typed) == [(offered, offered)]
        assert await complete(call, "zzz") == []


# ---------------------------------------------------------------- flags
async def test_a_server_switches_its_own_features(desk: FakeExperiments) -> None:
    page, _ = await run(desk, "flags", role=MODERATOR)
    assert said(page) == "• prompt_compression: on, as for everybody\n• semantic_cache: off, as for everybody"
    page, _ = await run(desk, "flags semantic_cache value=on", role=MODERATOR)
    assert desk.calls[-2] == ("set_flag", "guild-1", "semantic_cache", True, "user-1")
    assert "• semantic_cache: on here, else off" in said(page)
    page, _ = await run(desk, "flags semantic_cache", role=MODERATOR)
    assert said(page) == "• semantic_cache: on here, else off"
    page, _ = await run(desk, "flags semantic_cache value=default", role=MODERATOR)
    assert "• semantic_cache: off, as for everybody" in said(page)


@pytest.mark.parametrize("line", ["flags semantic", "flags semantic value=on", "flags value=on"])
async def test_a_feature_that_there_is_not_is_refused(desk: FakeExperiments, line: str) -> None:
    with pytest.raises(BadInput, match="feature"):
        await run(desk, line)
    assert not [call for call in desk.calls if call[0] == "set_flag"]


def test_a_bot_without_features_says_so() -> None:
    assert render_experiments.flags(()).tone is Tone.NOTHING


# ---------------------------------------------------------------- what is shown
async def test_the_list_shows_phase_since_exposure_and_effect(desk: FakeExperiments) -> None:
    page, _ = await run(desk, "experiments")
    assert said(page) == (
        "trimming — canary since 2026-09-17 10:13 UTC, 100 h counted; 10% are in it, 1,000 exposures\n"
        "• candidate: gain of quality +0.02 (+0.005 to +0.035), 505 outcomes beside 488"
    )
    assert render_experiments.experiments(()).tone is Tone.NOTHING


def test_each_phase_says_who_has_what() -> None:
    told = [
        said(render_experiments.experiments([changed(REPORT, phase=phase, variant="candidate", reason="too\ndear")]))
        for phase in Phase
    ]
    assert ["off: too dear" in told[0], "everybody has the control" in told[1]] == [True, True]
    assert ["10% are in it" in told[2], "everybody has candidate" in told[3]] == [True, True]
    fresh = changed(REPORT, phase=Phase.OFF, evidence=Evidence())
    assert said(render_experiments.experiments([fresh])) == "trimming — off"


async def test_show_tells_the_steps_and_attaches_a_picture_with_words_for_it(desk: FakeExperiments) -> None:
    page, _ = await run(desk, "experiment trimming", role=MODERATOR)
    assert "candidate: 510 exposures, 505 outcomes, quality 0.82, error 0.01, p95 1,210 ms" in said(page)
    assert "off → shadow by op-1: cheaper" in said(page)
    assert said(page).index("shadow → canary") < said(page).index("off → shadow")
    assert "To go on: 72 h, or an interval" in said(page)
    assert page.picture is not None
    assert page.picture.png.startswith(PNG)
    assert page.picture.alt == ("Gain of quality in trimming, with intervals. Now: candidate +0.02 (+0.005 to +0.035).")


async def test_a_broken_chain_is_told(desk: FakeExperiments) -> None:
    desk.broken_at = 2
    page, _ = await run(desk, "experiment trimming")
    assert page.tone is Tone.PROBLEM
    assert "Decision 2 is not as it was written" in said(page)


def history(*gains: Gain, decisions: Sequence[int] = ()) -> ExperimentHistory:
    report = changed(REPORT, evidence=changed(EVIDENCE, gains=gains))
    return ExperimentHistory(report, tuple(changed(PROMOTED, number=number) for number in decisions))


def test_only_the_last_steps_are_listed_and_alarms_stand_out() -> None:
    value = history(decisions=range(1, 31))
    value = replace(value, report=changed(REPORT, evidence=changed(EVIDENCE, alarms=("Something is wrong.",))))
    shown = said(render_experiments.history(value))
    assert shown.count("shadow → canary") == render_experiments.MAX_DECISIONS
    assert "… and 22 before" in shown
    assert "• Something is wrong." in shown


@pytest.mark.parametrize(
    "value",
    [
        ExperimentHistory(changed(REPORT, evidence=Evidence()), ()),
        history(Gain("candidate", 0.0, None, None, 0, 0)),
        history(*(Gain(f"variant_{index}", 0.1, 0.0, 0.2, 9, 9) for index in range(7)), decisions=range(40)),
        ExperimentHistory(changed(REPORT, plan=changed(PLAN, least_gain=0.03)), (STARTED, PROMOTED)),
    ],
    ids=["nothing", "no interval", "many", "least gain"],
)
async def test_every_history_can_be_drawn_and_is_the_same_picture_again(value: ExperimentHistory) -> None:
    png = await pictures.experiment_png(value)
    assert png.startswith(PNG)
    assert 2_000 < len(png) < 200_000
    assert await pictures.experiment_png(value) == png
    assert render_experiments.alt_text(value)


async def test_another_number_is_another_picture() -> None:
    one, other = (history(Gain("candidate", gain, -0.1, 0.3, 9, 9)) for gain in (0.1, 0.12))
    assert await pictures.experiment_png(one) != await pictures.experiment_png(other)
