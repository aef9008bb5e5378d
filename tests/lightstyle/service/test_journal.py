"""A journal adds up to the same status however it came to be."""

from pathlib import Path

from lightstyle.service.journal import Journal, JournalStatus, State


def _status(journal: Journal) -> JournalStatus:
    status = JournalStatus()
    status.update(journal)
    return status


def test_a_reader_goes_on_where_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    status = JournalStatus()
    status.update(journal)  # there is nothing yet
    for number in range(1, 6):
        journal.append("progress", evaluation=number)
        status.update(journal)
        assert status.evaluation == number
    told = list(journal.after(0))
    assert told[-1][0] == journal.size == status.offset
    assert list(journal.after(told[2][0])) == told[3:]


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    journal.state(State.QUEUED)
    with journal.path.open("a") as file:
        file.write('{"event": "progr')
    assert [event["event"] for _, event in journal.after(0)] == ["state"]
    journal.state(State.RUNNING)
    assert _status(journal).state is State.RUNNING
    assert _status(journal).offset == journal.size


def test_deaths_count_until_a_job_comes_further(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")

    def attempt(evaluations: int) -> int:
        journal.state(State.RUNNING)
        for number in range(1, evaluations + 1):
            journal.append("progress", evaluation=number)
        journal.state(State.QUEUED, reason="died", died=-9)
        return _status(journal).deaths

    assert [attempt(n) for n in (0, 0, 5, 5, 4, 6)] == [1, 2, 1, 2, 3, 1]
    assert _status(journal).attempt == 6
    journal.state(State.QUEUED, retry=True)
    assert (_status(journal).deaths, _status(journal).turn) == (0, 1)


def test_a_server_that_died_is_told_by_two_beginnings(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "events.jsonl")
    for _ in range(3):
        journal.state(State.RUNNING)
    assert (_status(journal).crashes, _status(journal).deaths) == (2, 0)
    journal.append("progress", evaluation=1)
    assert _status(journal).crashes == 0
