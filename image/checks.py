"""What `make image-test` checks: the image that was built, run as engines run it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from fourme import VERSION
from image.budget import read_budget
from image.imports import read_profile
from image.workshop import ACTION, data_file
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from image.archive import Config
    from image.container import Ended
    from image.workshop import Built, Workshop

LARGEST = 14 * 2**20  # bytes that the image may add to its base
_REQUEST_ID = 80339
_UPDATE = {"request_id": str(_REQUEST_ID), "impact": "low", "note": "Deployed."}
_ACCOUNT = {"accessToken": "demo-token", "account": "wdc"}
# What has no business in the image, as parts of paths.
_FOREIGN = ("pip", "setuptools", "pytest", "sandbox", "image", "build", ".git", "gcc")
_DATA, _TRY_LATER = 65, 75
_USER, _ROOT = "65532:65532", "0:0"


@dataclass(frozen=True)
class Check:
    """One thing that must hold.

    Attributes:
        promise: what must hold, in words.
        keep: returns what is wrong, or nothing.
    """

    promise: str
    keep: Callable[[], str]


def checks_of(built: Built, workshop: Workshop) -> Iterator[Check]:
    """Yield the checks of an image, the dearest last."""
    yield Check(f"says what it is, and runs as {_USER}", lambda: _says(built))
    yield Check(
        "differs for GitHub's action in its user alone, who is root",
        lambda: _suits_action(built.container.config, workshop.config_of(ACTION)),
    )
    yield Check("adds at most 14 MiB to its base", lambda: _is_small(built))
    yield Check("holds the environment and the step alone", lambda: _is_pure(built))
    yield Check("has a shell", lambda: _has_shell(built))
    for name, user in _users():
        yield Check(
            f"updates a request as {name}, its root read-only",
            partial(_updates, built, user),
        )
    yield Check("refuses a bad spec with 65", lambda: _refuses(built))
    yield Check("ends with 75 when process number 1 gets SIGTERM", lambda: _terminates(built))
    yield Check("compiles nothing when it runs", lambda: _compiles_nothing(built))
    yield Check("imports nothing beyond the budget", lambda: _keeps_budget(built))
    yield Check("is the same when it is built again", lambda: _is_reproducible(built, workshop))


def _users() -> Sequence[tuple[str, str | None]]:
    anybody = random.SystemRandom().randrange(10_000, 2**31)
    return (
        ("its own user", None),
        (f"user {anybody} of no group", f"{anybody}:{anybody}"),
        ("root", _ROOT),
    )


def _sandbox(update: object, faults: Sequence[str] = ()) -> Sandbox:
    spec = {"connection": {"host": FOURME_HOST, **_ACCOUNT}, "request": update}
    return Sandbox(document_for(spec), fourme=FourMeOptions(), faults=faults)


def _says(built: Built) -> str:
    config = built.container.config
    wanted = {
        "org.opencontainers.image.title": "4me-step-requests-update",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": VERSION,
        "sh.relay.sdk.version": "v1",
    }
    wrong = [name for name, value in wanted.items() if config.labels.get(name) != value]
    present = ("description", "source", "revision")
    names = [f"org.opencontainers.image.{name}" for name in present]
    wrong += [name for name in names if name not in config.labels]
    if config.user != _USER:
        wrong.append(f"user {config.user!r}")
    if not config.command or not config.command[0].startswith("/"):
        wrong.append(f"command {config.command}")
    return ", ".join(wrong)


def _suits_action(config: Config, action: Config) -> str:
    if action.user != _ROOT:
        return f"user {action.user!r}"
    return "" if replace(action, user=config.user) == config else f"{action} beside {config}"


def _is_small(built: Built) -> str:
    return "" if built.size <= LARGEST else f"it adds {built.size / 2**20:.1f} MiB"


def _is_pure(built: Built) -> str:
    foreign = [path for path in built.files if set(path.split("/")) & set(_FOREIGN)]
    return ", ".join(foreign[:5])


def _has_shell(built: Built) -> str:
    ended = built.container.run({}, command=["/bin/sh", "-c", "echo here"])
    return "" if ended.out == "here\n" else _told(ended)


def _updates(built: Built, user: str | None) -> str:
    with _sandbox(_UPDATE) as sandbox:
        ended = built.container.run(sandbox.environment(), user=user)
        stored = sandbox.store.request(_REQUEST_ID) or {}
        published = sandbox.outputs.get("request")
        if ended.code != 0 or published != {**stored, "request_id": _REQUEST_ID}:
            return _told(ended)
    return "" if stored["impact"] == "low" else f"it changed nothing: {json.dumps(stored)}"


def _refuses(built: Built) -> str:
    with _sandbox({"request_id": _REQUEST_ID, "impact": "lowest"}) as sandbox:
        ended = built.container.run(sandbox.environment())
        names = [call.name for call in sandbox.calls]
    good = ended.code == _DATA and "request.impact" in ended.log and names == ["spec"]
    return "" if good else _told(ended)


def _terminates(built: Built) -> str:
    with _sandbox(_UPDATE, ["patch=429:600"]) as sandbox:
        ended = built.container.terminate_at("trying again in", sandbox.environment())
    return "" if ended.code == _TRY_LATER else _told(ended)


def _verbosely(built: Built, *options: str) -> Ended:
    """Run the image's command with more options for the interpreter."""
    interpreter, *rest = built.container.config.command
    with _sandbox(_UPDATE) as sandbox:
        return built.container.run(sandbox.environment(), command=[interpreter, *options, *rest])


def _compiles_nothing(built: Built) -> str:
    ended = _verbosely(built, "-v")
    source = "# code object from '"
    found = [
        line for line in ended.log.splitlines() if source in line and line.rstrip().endswith(".py'")
    ]
    if ended.code != 0 or "# code object from" not in ended.log:
        return _told(ended)
    return ", ".join(line.partition(source)[2] for line in found)


def _keeps_budget(built: Built) -> str:
    ended = _verbosely(built, "-X", "importtime")
    imports = read_profile(ended.log)
    if ended.code != 0 or not imports:
        return _told(ended)
    newcomers = read_budget(data_file("import-budget.txt")).newcomers(imports)
    return "" if not newcomers else f"{', '.join(newcomers)}: see tests/data/import-budget.txt"


def _is_reproducible(built: Built, workshop: Workshop) -> str:
    layers = workshop.build(again=True)
    return "" if layers == built.layers else f"{built.layers} became {layers}"


def _told(ended: Ended) -> str:
    return f"it ended with {ended.code}\n{ended.out}{ended.log}".rstrip()
