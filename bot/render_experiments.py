"""From experiments and feature flags to pages. Pure, like bot/render.py. All numbers are sums over all servers."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.page import BLANK, Line, Page, Picture, Question, Span, Style, Tone, line
from bot.plain_text import counted, one_line
from core.decision_chain import Evidence, Gain, Phase, PhaseDecision
from core.experiment_evidence import interval
from core.experiment_messages import ExperimentReport, Moved, NotYet
from core.experiment_plans import HOUR_S, ExperimentPlan
from core.experiment_ports import ExperimentHistory, FeatureFlag

MAX_DECISIONS = 8
_HEAD_CHARS = 12


def experiments(reports: Sequence[ExperimentReport]) -> Page:
    """Every experiment in two lines: its phase and since when, who is in it, and how its primary metric stands."""
    if not reports:
        return Page((line("This bot has no experiments."),), "Experiments", tone=Tone.NOTHING)
    lines: list[Line] = []
    for report in reports:
        lines.append(line(Span(report.plan.name, Style.BOLD), f" — {_phase(report)}"))
        lines += [line(f"• {told}") for told in _gains(report)]
    return Page(tuple(lines), "Experiments", "Numbers of all servers together. More with /experiment.")


def history(value: ExperimentHistory, picture: Picture | None = None) -> Page:
    """One experiment: how it stands, what stands against going on, and the steps so far, newest first."""
    report = value.report
    lines = [line(Span(_phase(report), Style.BOLD)), *(line(f"• {told}") for told in _gains(report))]
    lines += [line(f"• {told}") for told in _counts(report.evidence)]
    lines += [line("• ", Span(alarm, Style.BOLD)) for alarm in report.evidence.alarms]
    lines.append(line(f"• To go on: {report.plan.policy}"))
    if value.decisions:
        lines += [BLANK, line(Span("Decisions", Style.BOLD))]
        lines += [line(f"• {_decision(made)}") for made in reversed(value.decisions[-MAX_DECISIONS:])]
        left = len(value.decisions) - MAX_DECISIONS
        lines += [line(f"… and {left:,} before")] if left > 0 else []
    if value.broken_at is not None:
        told = f"Decision {value.broken_at} is not as it was written, or missing: trust none from there on."
        lines.append(line(Span(told, Style.BOLD)))
    chain = f"Chain of decisions up to {report.head[:_HEAD_CHARS]}" if report.head else ""
    tone = Tone.ANSWER if value.broken_at is None else Tone.PROBLEM
    return Page(tuple(lines), report.plan.name, chain, tone, picture=picture)


def alt_text(value: ExperimentHistory) -> str:
    """What the picture of an experiment shows, in words."""
    report = value.report
    told = [f"{gain.variant} {interval(gain)}" for gain in report.evidence.gains]
    shown = "; ".join(told) if told else "nothing yet"
    return f"Gain of {report.plan.primary.name} in {report.plan.name}, with intervals. Now: {shown}."


def question(name: str, action: str, report: ExperimentReport) -> Question:
    """What somebody is asked before an experiment goes on, or back."""
    told = f"{name} is in {report.phase}. " + (
        "Everybody gets the control again, and its numbers begin anew." if action == "rollback" else _going_on(report)
    )
    lines = (line(told), *(line(f"• {gain}") for gain in _gains(report)))
    return Question(Page(lines, f"{action.capitalize()} {name}?", tone=Tone.NOTHING), action.capitalize())


def _going_on(report: ExperimentReport) -> str:
    if report.phase is Phase.SHADOW:
        return f"{report.plan.canary_share:.0%} of all questions, on every server, will be in the canary."
    return "Everybody, on every server, will get the candidate." if report.phase is Phase.CANARY else ""


def unchanged(name: str, report: ExperimentReport) -> Page:
    """Nobody agreed."""
    return Page((line(f"Nothing was done: {name} is in {report.phase}."),), tone=Tone.NOTHING)


def step(name: str, done: Moved | NotYet) -> Page:
    """Where an experiment went, or why it stays."""
    if isinstance(done, NotYet):
        lines = tuple(line(f"• {because}") for because in done.because)
        return Page(lines, f"{name} stays in {done.phase}", tone=Tone.NOTHING)
    made = done.decision
    told = f"From {made.before} to {made.after}" + (f": everybody has {made.variant}." if made.variant else ".")
    return Page((line(told),), f"{name}: {made.after}", f"Decision {made.number}, {made.digest[:_HEAD_CHARS]}")


def flags(values: Sequence[FeatureFlag]) -> Page:
    """Each feature on this server: the server's own switch, or the bot's setting."""
    if not values:
        return Page((line("This bot has no feature that a server may switch."),), "Features", tone=Tone.NOTHING)
    return Page(tuple(_flag(value) for value in values), "Features on this server")


def _flag(value: FeatureFlag) -> Line:
    words = {True: "on", False: "off"}
    if value.override is None:
        return line("• ", Span(value.name, Style.BOLD), f": {words[value.default]}, as for everybody")
    return line("• ", Span(value.name, Style.BOLD), f": {words[value.override]} here, else {words[value.default]}")


def _phase(report: ExperimentReport) -> str:
    if report.phase is Phase.OFF:
        return f"off: {one_line(report.reason)}" if report.reason else "off"
    told = f"{report.phase} since {_day(report.since)}, {report.evidence.lived_s / HOUR_S:.0f} h counted"
    return f"{told}; {_exposure(report)}"


def _exposure(report: ExperimentReport) -> str:
    if report.phase is Phase.SHADOW:
        return "everybody has the control"
    if report.phase is Phase.ACTIVE:
        return f"everybody has {report.variant}"
    exposed = sum(report.evidence.exposures.values())
    return f"{report.plan.canary_share:.0%} are in it, {counted(exposed, 'exposure')}"


def _gains(report: ExperimentReport) -> list[str]:
    return [_gain(report.plan, gain) for gain in report.evidence.gains]


def _gain(plan: ExperimentPlan, gain: Gain) -> str:
    compared = f"{counted(gain.outcomes, 'outcome')} beside {gain.control:,}"
    return f"{gain.variant}: gain of {plan.primary.name} {interval(gain)}, {compared}"


def _counts(known: Evidence) -> list[str]:
    told: list[str] = []
    for name, outcomes in known.outcomes.items():
        if outcomes or known.exposures.get(name):
            counts = f"{counted(known.exposures.get(name, 0), 'exposure')}, {counted(outcomes, 'outcome')}"
            means = [f"{metric} {mean:.4g}" for metric, mean in known.means.get(name, {}).items()]
            means += [f"p95 {known.p95_ms[name]:,.0f} ms"] if name in known.p95_ms else []
            told.append(f"{name}: {', '.join([counts, *means])}")
    if told:
        told.append(f"sample ratio p = {known.ratio_p:.2g}, of missing outcomes p = {known.loss_p:.2g}")
    return told


def _decision(made: PhaseDecision) -> str:
    why = f": {one_line(made.reason)}" if made.reason else ""
    gains = "".join(f"; {gain.variant} {interval(gain)}" for gain in made.evidence.gains)
    return f"{_day(made.at)} {made.before} → {made.after} by {one_line(made.by)}{why}{gains}"


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
