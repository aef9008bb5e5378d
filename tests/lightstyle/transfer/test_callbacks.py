import numpy as np
import pytest

import lightstyle
from lightstyle import Model, Progress, Status
from tests.support.networks import break_evaluation
from tests.support.transfers import CONTENT, FIXED, QUICK, STYLE, until


def test_progress_is_seen_at_every_evaluation(model: Model) -> None:
    seen: list[Progress] = []
    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=QUICK, callback=seen.append
    )
    pictures = [progress.image_hwc for progress in seen]
    assert [p.evaluation for p in seen] == list(range(1, 13))
    assert [p.losses for p in seen] == list(result.history)
    assert len(seen) == 12
    assert pictures[0].shape == result.image_hwc.shape
    np.testing.assert_array_equal(pictures[-1], result.image_hwc)
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)


def test_a_callback_can_end_the_run_and_keeps_the_best_picture(model: Model) -> None:
    result = lightstyle.stylize(
        CONTENT, STYLE, model=model, settings=QUICK, callback=until(5)
    )
    assert result.status is Status.CANCELLED
    assert result.evaluations == 5
    assert result.loss == min(entry.total for entry in result.history)


def test_other_errors_of_a_callback_are_the_callers(model: Model) -> None:
    def fail(progress: Progress) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        lightstyle.stylize(CONTENT, STYLE, model=model, settings=QUICK, callback=fail)


def test_a_model_that_breaks_in_the_middle_leaves_the_best_picture(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_evaluation(monkeypatch, 7)
    result = lightstyle.stylize(CONTENT, STYLE, model=model, settings=FIXED)
    assert result.status is Status.NON_FINITE
    assert result.evaluations == 7
    assert np.isfinite(result.image_hwc).all()
    assert result.loss < result.history[0].total
