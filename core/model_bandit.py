"""Which model answers: a routing policy that learns from every answer, in charge or behind a baseline.

The promises: nothing it holds becomes NaN, whatever it is told; the probability of every choice is exact and on disk
before the choice is used; a replay gives the same evidence to the last bit; a reward is only ever that of the arm that
was really used. Evidence means something for one `feature_version` only: with another one the policy begins anew.

In shadow the baseline is in charge and any arm gets a share `epsilon` of the calls; the policy learns from what was
used, and what it would have earned is estimated off-policy. A decision waits for its reward a while. One whose reward
never comes teaches nothing and is counted: if rewards are missing more often for bad answers, all arms look better than
they are.

An arm that appears starts with the evidence that it is offered with, or none. One that vanishes is kept, for when it
returns and for rewards that are on their way.
"""

import numpy as np

from core.bandit_messages import (
    ArmJoined,
    Begun,
    Choice,
    Choose,
    Chosen,
    Command,
    Drifted,
    Event,
    Learned,
    Missed,
    NotWaitedFor,
    Observe,
    Observed,
    Reply,
)
from core.bandit_state import MAX_ARMS, MAX_OFFERED, MAX_WAITING, Routing, drift_sums, evolve, initial
from core.entities import Chance, Decision, EntityKind, checked_key
from core.errors import BadInput
from core.linear_thompson import (
    Arm,
    Floats,
    checked_context,
    checked_evidence,
    drawn_shares,
    explored,
    posterior,
    share_error,
)
from core.routing_rewards import reward_of


def decide(state: Routing, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """Raises BadInput for a context, arms or an outcome that are none."""
    if isinstance(command, Choose):
        return _choose(state, command, now, chance)
    return _observe(state, command, now)


def _choose(state: Routing, command: Choose, now: float, chance: Chance) -> Decision[Event]:
    rules, names = command.rules, _checked_names(command)
    context = checked_context(command.context, rules.prior.dimensions)
    events: list[Event] = []
    for event in _preparations(state, command, now):
        state = evolve(state, event)
        events.append(event)
    if checked_key(command.decision_id) in state.waiting:
        raise BadInput(f"The decision {command.decision_id!r} was made already.", "Give each question its own id.")
    arms = tuple(Arm(state.arms[offered.name].evidence, offered.prior_mean) for offered in command.arms)
    means, covariance = posterior(rules.prior, arms).scores(context)
    rng = np.random.default_rng(chance.rng().getrandbits(128))
    target = drawn_shares(means, covariance, rules.prior.scale, rules.draws, rng)
    baseline = np.array([float(name == command.baseline) for name in names])
    charge = explored(baseline if command.shadow else target, rules.epsilon)
    used = _drawn(charge, rng)
    favourite = int(target.argmax())
    # A reward is 0 to 1; what is expected beyond that helps no estimate.
    expected = np.clip(means, 0.0, 1.0)
    chosen = Chosen(
        command.decision_id,
        now,
        command.context,
        names[used],
        used=min(1.0, float(charge[used])),
        target=float(target[used]),
        baseline=float(baseline[used]),
        expected=float(expected[used]),
        expected_of_target=float(target @ expected),
        expected_of_baseline=float(baseline @ expected),
        compared=bool(command.baseline),
        would_choose=names[favourite],
    )
    preference = float(target[favourite])
    error = share_error(preference, rules.draws)
    reply = Choice(chosen.decision_id, chosen.arm, chosen.used, chosen.would_choose, preference, error)
    return Decision(reply, (*events, chosen))


def _drawn(charge: Floats, rng: np.random.Generator) -> int:
    """An arm by its probability; never one whose probability is 0, whatever the rounding of the sums."""
    possible = np.flatnonzero(charge)
    place = int(np.searchsorted(np.cumsum(charge[possible]), rng.random(), side="right"))
    return int(possible[min(place, len(possible) - 1)])


def _checked_names(command: Choose) -> list[str]:
    names = [offered.name for offered in command.arms]
    if not 1 <= len(names) <= MAX_OFFERED or len(set(names)) != len(names):
        raise BadInput(f"{len(names)} arms are offered, some of them twice or none.", f"Offer 1 to {MAX_OFFERED} arms.")
    for offered in command.arms:
        checked_key(offered.name)
        if not abs(offered.prior_mean) <= 1.0:
            raise BadInput(f"The prior mean of {offered.name!r} is {offered.prior_mean}.", "Give it -1 to 1.")
        if offered.start is not None:
            checked_evidence(offered.start, command.rules.prior)
    if command.baseline and command.baseline not in names:
        raise BadInput(f"The baseline {command.baseline!r} is not among the arms offered.", "Offer it too.")
    if command.shadow and not command.baseline:
        raise BadInput("A shadow needs a baseline that is in charge.", "Name the arm that is used without it.")
    return names


def _preparations(state: Routing, command: Choose, now: float) -> list[Event]:
    """What happens before a decision: a beginning, arms that join, and rewards that are no longer waited for."""
    events: list[Event] = []
    dimensions = command.rules.prior.dimensions
    if (state.feature_version, state.dimensions) != (command.feature_version, dimensions):
        state = Routing(command.feature_version, dimensions)
        events.append(Begun(command.feature_version, dimensions))
    there = dict.fromkeys(state.arms)
    offered = {arm.name for arm in command.arms}
    for arm in command.arms:
        if arm.name not in there:
            gone = next((name for name in there if name not in offered), "") if len(there) >= MAX_ARMS else ""
            there.pop(gone, None)
            there[arm.name] = None
            events.append(ArmJoined(arm.name, arm.start, gone))
    too_old = now - command.rules.patience_s
    too_many = len(state.waiting) - MAX_WAITING + 1
    missed = [
        decision_id
        for place, (decision_id, decision) in enumerate(state.waiting.items())
        if place < too_many or decision.at < too_old
    ]
    return [*events, Missed(tuple(missed))] if missed else events


def _observe(state: Routing, command: Observe, now: float) -> Decision[Event]:
    rules = command.rules
    reward = reward_of(command.weights, command.quality, command.latency_s, command.cost_usd)
    decision = state.waiting.get(command.decision_id)
    if decision is None:
        because = "No decision of this id waits for its reward: it has come, came too late, or was never made."
        return Decision(NotWaitedFor(because))
    observed = Observed(command.decision_id, reward, rules.keep, rules.drift_slack)
    arm = state.arms.get(decision.arm)
    sums = drift_sums(arm, reward - decision.expected, rules.drift_slack) if arm else (0.0, 0.0)
    surprise = (reward - decision.expected) / decision.used
    learned = Learned(
        reward,
        max(sums) > rules.drift_limit,
        decision.expected_of_target + decision.target * surprise,
        decision.expected_of_baseline + decision.baseline * surprise,
    )
    if not learned.drifted:
        return Decision(learned, (observed,))
    return Decision(learned, (observed, Drifted(decision.arm, now, rules.keep_after_drift)))


KIND = EntityKind(
    name="ModelBandit",
    state=Routing,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=initial,
    decide=decide,
    evolve=evolve,
    # A command repeats the rules, and for a new arm its evidence; what follows from it is in the events.
    keeps_commands=False,
)
