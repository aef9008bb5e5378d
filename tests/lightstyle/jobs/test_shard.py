from pathlib import Path

import pytest

from lightstyle.errors import UsageError
from lightstyle.jobs.inputs import InputFile
from lightstyle.jobs.shard import Shard

FILES = [
    InputFile(Path(f"/photos/{n % 7}/{n}.jpg"), Path("/photos")) for n in range(400)
]


@pytest.mark.parametrize("count", [1, 3, 8])
def test_every_picture_belongs_to_one_shard(count: int) -> None:
    shards = [Shard.parse(f"{number}/{count}") for number in range(1, count + 1)]
    held = [sum(shard.holds(file) for shard in shards) for file in FILES]
    assert set(held) == {1}
    sizes = [sum(map(shard.holds, FILES)) for shard in shards]
    assert min(sizes) > 0.6 * len(FILES) / count


def test_a_picture_stays_in_its_shard_when_the_folder_moves() -> None:
    shard = Shard(2, 3)
    moved = [
        InputFile(Path("/mnt") / file.path.relative_to("/"), Path("/mnt/photos"))
        for file in FILES
    ]
    assert [*map(shard.holds, moved)] == [*map(shard.holds, FILES)]


def test_shards_are_the_same_with_every_version() -> None:
    assert [Shard(1, 2).holds(file) for file in FILES[:8]] == [
        False,
        False,
        True,
        True,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "text", ["", "1", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1.0/2", "1/9999999"]
)
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected I/N such as 2/8"):
        Shard.parse(text)
