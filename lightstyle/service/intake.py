"""Takes a job from a client: its caps, its form, its pictures, and a place in line."""

import asyncio
import hashlib
import secrets
from pathlib import Path
from time import time
from typing import Any, Final

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from ..settings.jobs import JOBS
from ..text import printable
from . import parameters, pictures
from .entry import check_queue, enqueue
from .folder import Spec
from .limits import LONGEST_NAME, LONGEST_PARAMETERS, MOST_FILES
from .parameters import PICTURES, Parameters, Rules
from .problems import ProblemError
from .queue import Queue
from .store import Job, Store

#: Fields of the form that are files.
_ROLES: Final = ("content", "style", *PICTURES)


class Intake:
    """Makes jobs of requests.

    Attributes:
        closing: Whether the server stops, and takes none any more.
    """

    def __init__(self, store: Store, queue: Queue, rules: Rules) -> None:
        """Take jobs by the rules of a server."""
        self._store, self._queue, self._rules = store, queue, rules
        self.closing = False

    async def take(self, request: Request, owner: str) -> tuple[Job, bool]:
        """Read a request, and put its job into the queue.

        Returns:
            The job, and whether it was there already, by its idempotency key.

        Raises:
            ProblemError: The request is refused.
        """
        key = _key(request.headers.get("idempotency-key"), owner)
        self._check_open()
        try:
            if key is None or self._store.with_key(key) is None:
                await asyncio.to_thread(self._check_room, owner)
            form = await self._form(request)
            try:
                return await asyncio.to_thread(self._job, form, owner, key)
            finally:
                await form.close()
        except OSError as error:
            raise ProblemError(
                "storage", "the request cannot be kept", retry_after=60
            ) from error

    def _check_open(self) -> None:
        if self.closing:
            raise ProblemError("closing", "try again when it is back", retry_after=10)

    def _check_room(self, owner: str) -> None:
        """Check that there is room in the queue, and on the disk."""
        limits, store = self._rules.limits, self._store
        check_queue(store, limits, owner)
        if store.is_full:
            raise ProblemError(
                "storage", "the disk is full: try again later", retry_after=60
            )
        if not store.make_room(limits.body):
            raise ProblemError(
                "quota", "jobs that have not ended take all room", retry_after=60
            )

    async def _form(self, request: Request) -> FormData:
        """Read the form, of which no part is longer than it may be."""
        if not request.headers.get("content-type", "").startswith(
            "multipart/form-data"
        ):
            raise ProblemError("malformed", "send a form as multipart/form-data")
        limits = self._rules.limits
        try:
            async with asyncio.timeout(limits.upload):
                return await request.form(
                    max_files=MOST_FILES,
                    max_fields=1,
                    max_part_size=LONGEST_PARAMETERS,
                )
        except TimeoutError:
            raise ProblemError(
                "timeout", f"a request may take {limits.upload:g} s"
            ) from None
        except ClientDisconnect:
            raise ProblemError("malformed", "the client went away") from None
        except HTTPException as error:
            if error.status_code == 413:
                raise
            raise ProblemError(
                "malformed", printable(str(error.detail), 200)
            ) from error

    def _job(self, form: FormData, owner: str, key: str | None) -> tuple[Job, bool]:
        text, uploads = _parts(form)
        given = self._rules.parameters(text)
        with self._store.receiving() as folder:
            names: dict[str, list[str]] = {}
            for role, number, upload in uploads:
                name = pictures.store(
                    upload.file, role, number, folder, self._rules.limits
                )
                names.setdefault(role, []).append(name)
            request = pictures.digest(text, folder)
            if earlier := self._same(key, request):
                return earlier, True
            self._add_earlier(given, names, folder, owner)
            parameters.check_pictures(given.job, names)
            settings = self._rules.settings(given, names)
            spec = Spec(
                id=secrets.token_urlsafe(16),
                owner=owner,
                created=time(),
                name=printable(given.name),
                job=given.job,
                content=next(iter(names.get("content", ())), None),
                style=tuple(names.get("style", ())),
                size=given.size,
                settings=settings.as_dict(),
                model=given.model,
                suffix=f".{given.format}",
                key=key,
                request=request,
            )
            return self._add(folder, spec)

    def _add(self, folder: Path, spec: Spec) -> tuple[Job, bool]:
        store = self._store
        store.settle(folder, spec)
        with store.lock:  # one at a time, so that caps and keys hold
            self._check_open()
            earlier = self._same(spec.key, spec.request)
            if earlier is None:
                check_queue(store, self._rules.limits, spec.owner)
            job = earlier or store.add(folder, spec)
        try:
            store.flush()
        except OSError:
            store.erase(job)
            raise
        if earlier is None:
            enqueue(self._queue, job, lambda: store.erase(job))
        return job, earlier is not None

    def _same(self, key: str | None, request: str) -> Job | None:
        """Return the job that the key stands for, if any.

        Raises:
            ProblemError: The key was used for something else.
        """
        job = self._store.with_key(key) if key else None
        if job is not None and job.spec.request != request:
            raise ProblemError("key_reused", "give every request a key of its own")
        return job

    def _add_earlier(
        self, given: Parameters, names: dict[str, list[str]], folder: Path, owner: str
    ) -> None:
        """Take what was not sent from an earlier job."""
        if given.again is None:
            return
        job = self._store.get(given.again)
        if job is None or job.spec.owner != owner:
            raise parameters.invalid({"again": "there is no such job"})
        for role in ("content", "style"):
            if role in JOBS[given.job].pictures and not names.get(role):
                names[role] = pictures.copied(job, role, folder)
        said = {name.replace("-", "_") for name in given.settings}
        kept = job.spec.pictures.keys() & {*PICTURES} - JOBS[given.job].unused
        for role in kept - {*names, *said} - ({"init"} if given.go_on else set()):
            names[role] = pictures.copied(job, role, folder)
            given.settings[role] = _words(job.spec, role)
        if given.go_on:
            names["init"] = [pictures.copied_result(job, folder)]


def _key(given: str | None, owner: str) -> str | None:
    if given is None:
        return None
    if not 1 <= len(given) <= LONGEST_NAME:
        raise ProblemError(
            "malformed", f"Idempotency-Key: 1 to {LONGEST_NAME} characters"
        )
    return hashlib.sha256(f"{owner}\n{given}".encode()).hexdigest()


def _parts(form: FormData) -> tuple[str, list[tuple[str, int, UploadFile]]]:
    """Return the parameters and the files of a form, each file with its number.

    Raises:
        ProblemError: It has a part that is not known.
    """
    text, files, wrong = "", [], {}
    counts: dict[str, int] = {}
    for name, value in form.multi_items():
        if name == "params" and not isinstance(value, UploadFile):
            text = value
        elif name in _ROLES and isinstance(value, UploadFile):
            number = counts[name] = counts.get(name, -1) + 1
            files.append((name, number, value))
        else:
            what = "a file" if name in _ROLES else "params, or one of these files: "
            known = "" if name in _ROLES else ", ".join(_ROLES)
            wrong[printable(name, 80)] = f"expected {what}{known}"
    if wrong:
        raise parameters.invalid(wrong)
    return text, files


def _words(spec: Spec, role: str) -> Any:
    """Return a setting that is pictures with None in place of those that were sent."""
    value, files = spec.settings[role], spec.pictures.get(role, ())
    if isinstance(value, list | tuple):
        return [None if each in files else each for each in value]
    return None if value in files else value
