import pytest

from lightstyle.cli.report import Report
from lightstyle.errors import ExitCode
from lightstyle.jobs.task import TaskOutcome


def test_a_line_on_a_picture_is_short_whatever_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Report(1, quiet=False)
    reason = "cannot write " + "y" * 350 + "; choose another name"
    report.add("x" * 4000, TaskOutcome.failure(reason, ExitCode.OUTPUT))
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) < 400
    assert line.startswith("1/1 xxx")
    assert "choose another name" in line
