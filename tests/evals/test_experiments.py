"""The eval of experiments: its figures can go the other way, and it judges by what the registry judges by."""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evals
from core.confidence_sequences import BURN_IN
from core.errors import BadInput
from core.experiment_statistics import compare
from core.metric_sums import MetricSums
from evals import experiments
from evals.measure.experiment_streams import OTHER_SHAPE, SHAPES, Shape, blocks, first, together, watch
from evals.measure.intervals import wilson
from evals.runner import run_named

SMALL: Mapping[str, Any] = {"runs": 16, "units": 4_000, "effect": 0.5}


@pytest.fixture(scope="module")
def plot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plots") / "experiments.png"


@pytest.fixture(scope="module")
def figures(plot: Path) -> Mapping[str, Any]:
    return experiments.run(plot=plot, **SMALL)


def test_the_figures_have_their_names_and_can_be_written_as_json(figures: Mapping[str, Any]) -> None:
    promised = {"aa_false_positive", "power", "median_stop_share", "srm_false_alarm", "srm_caught"}
    assert promised <= figures.keys()
    assert all(0.0 <= figures[name] <= 1.0 for name in promised - {"median_stop_share"})
    assert json.loads(json.dumps(figures)) == figures
    assert len(figures["aa_by_shape"]) == 16


def test_the_plot_is_a_picture(figures: Mapping[str, Any], plot: Path) -> None:
    assert figures
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert plot.stat().st_size > 20_000


def test_it_needs_no_data_and_prints_one_line_of_json_last(
    figures: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    flags = chain.from_iterable((f"--{name}", str(value)) for name, value in SMALL.items())
    assert run_named(evals, ["experiments", *flags]) == 0
    # The same seed without a plot gives the same figures.
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == figures


@pytest.mark.parametrize("wrong", [{"runs": 15}, {"units": 1_000}, {"burn_in": 5}, {"effect": 0.0}, {"effect": 9.0}])
def test_sizes_that_show_nothing_are_refused(wrong: Mapping[str, Any]) -> None:
    with pytest.raises(BadInput, match="show nothing"):
        experiments.run(**wrong)


@pytest.mark.parametrize("shape", [*SHAPES, OTHER_SHAPE], ids=lambda shape: shape.name)
def test_every_shape_has_the_same_mean_in_both_variants_unless_an_effect_is_asked_for(shape: Shape) -> None:
    rng = np.random.default_rng(0)
    # The other shape differs by asking for an effect, and in all but its mean.
    effect = 1.0 if shape is OTHER_SHAPE else 0.0
    (block,) = blocks(shape, 1, 200_000, 0.5, rng, effect)
    gap, half = (column[0, -1] for column in block.sequence(0.001, 100))
    assert abs(gap) < half
    if shape is not OTHER_SHAPE:
        (block,) = blocks(shape, 1, 200_000, 0.5, rng, 0.2)
        gap, half = (column[0, -1] for column in block.sequence(0.001, 100))
        assert gap > half


def test_a_look_of_the_eval_is_the_registrys_comparison() -> None:
    (block,) = blocks(SHAPES[6], 1, 900, 0.3, np.random.default_rng(4), 0.3)
    gaps, halves = block.sequence(0.05, BURN_IN)
    for number in (600, 700, 899):
        sums = [
            MetricSums(int(n), *rest)
            for n, *rest in (
                (float(np.asarray(it)[0, number]) for it in arm) for arm in (block.control, block.treatment)
            )
        ]
        found = compare(sums[0], sums[1])
        assert found.effect == pytest.approx(gaps[0, number])
        assert found.low == pytest.approx(gaps[0, number] - halves[0, number])
        assert found.decided == bool(abs(gaps[0, number]) > halves[0, number])


def test_a_careless_alpha_shows() -> None:
    promised, careless = (
        watch(blocks(SHAPES[0], 100, 2_000, 0.5, np.random.default_rng(1)), alpha, 100, 2_000) for alpha in (0.05, 0.4)
    )
    assert promised.found <= 0.06 < careless.found


def test_who_peeks_at_a_single_looks_test_is_fooled_far_more_often() -> None:
    looks = watch(blocks(SHAPES[1], 100, 4_000, 0.5, np.random.default_rng(2)), 0.05, 100, 4_000)
    assert looks.found <= 0.06
    assert (looks.peeking > 0).mean() > 0.2
    assert looks.planned.mean() < 0.12


def test_the_single_look_has_the_power_that_it_is_planned_for() -> None:
    assert experiments.single_look_size(0.2) == 393
    looks = watch(blocks(SHAPES[0], 400, 2 * 393, 0.5, np.random.default_rng(3), 0.2), 0.05, 100, 2 * 393)
    assert looks.planned.mean() == pytest.approx(0.8, abs=0.07)


def test_the_first_look_that_finds_something_counts() -> None:
    found = np.array([[False, True, False, True], [False] * 4, [True] * 4])
    assert first(found).tolist() == [2, 0, 1]
    looks = watch(blocks(SHAPES[0], 3, 500, 0.5, np.random.default_rng(0)), 0.05, 100, 500)
    assert len(together([looks, looks]).sequence) == 6


@pytest.mark.parametrize(
    ("count", "of", "interval"), [(0, 10, (0.0, 0.2775)), (5, 10, (0.2366, 0.7634)), (10, 10, (0.7225, 1.0))]
)
def test_intervals_of_shares_are_wilsons(count: int, of: int, interval: tuple[float, float]) -> None:
    assert wilson(count, of) == pytest.approx(interval, abs=1e-4)
