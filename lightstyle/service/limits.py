"""What the service takes, holds and waits for: every limit, each once."""

from dataclasses import dataclass
from typing import Final

MEGABYTE: Final = 10**6

#: Suffixes of the formats of pictures that are taken, by Pillow's names. MPO is what
#: some phones make of a JPEG. Each says its size in its header, before anything is
#: decoded.
FORMATS: Final = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp"}

#: Most style pictures of a job.
MOST_STYLES: Final = 4

#: Settings that a limit of the same name narrows.
NARROWED: Final = ("size", "iterations")

#: Most files of a request: content, styles, a mask for each of them twice, and the
#: pictures of the other settings.
MOST_FILES: Final = 1 + 3 * MOST_STYLES + 5

#: Most characters of names and keys that clients choose.
LONGEST_NAME: Final = 200

#: Most bytes of the parameters of a job.
LONGEST_PARAMETERS: Final = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an operator may change, and what no client can.

    Attributes:
        body: Most bytes of a request.
        file: Most bytes of a picture file.
        pixels: Most pixels of a picture that is taken.
        side: Longest side of a picture that is taken.
        size: Longest side of a picture that is made.
        iterations: Most evaluations of a job.
        seconds: Most seconds of a job, all attempts together.
        queue: Most jobs that wait or run.
        queue_each: The same of one client.
        deaths: Deaths of its process in a row, none of which came further than those
            before it, after which a job is given up.
        crashes: The same of the server.
        checkpoint: Seconds between two checkpoints of a job.
        preview: Seconds between two previews.
        best: Seconds between two copies of the best picture at full size.
        recycle: Jobs after which a worker process makes way for a fresh one.
        streams: Most open event streams.
        streams_each: The same of one client.
        ping: Seconds between two signs of life in a stream.
        upload: Seconds that a request may take to come in.
        head: Seconds that the head of a request may take.
        connections: Most open connections.
        patience: Seconds that a cancelled job may take to end before it is killed.
        drain: The same when the server is told to stop.
        closing: Seconds that responses may take then.
        retention: Seconds that a finished job is kept.
        tombstone: Seconds that is known afterwards that there was such a job.
        disk: Most bytes of all jobs.
        spare: Bytes of the disk that are left free.
    """

    body: int = 64 * MEGABYTE
    file: int = 24 * MEGABYTE
    pixels: int = 50_000_000
    side: int = 16_384
    size: int = 1024
    iterations: int = 2000
    seconds: float = 3600.0
    queue: int = 100
    queue_each: int = 10
    deaths: int = 3
    crashes: int = 5
    checkpoint: float = 10.0
    preview: float = 1.0
    best: float = 10.0
    recycle: int = 500
    streams: int = 64
    streams_each: int = 6
    ping: float = 15.0
    upload: float = 60.0
    head: float = 15.0
    connections: int = 1000
    patience: float = 2.0
    drain: float = 20.0
    closing: float = 5.0
    retention: float = 86_400.0
    tombstone: float = 7 * 86_400.0
    disk: int = 10_000 * MEGABYTE
    spare: int = 200 * MEGABYTE
