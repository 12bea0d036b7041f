"""What `make image-test` checks: the image that was built, run as engines run it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from engines import DEFAULT_OPERATION
from operations import SUMMARIES
from process import VERSION
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from tools.image.budget import read_budget
from tools.image.image_build import ACTION, data_file
from tools.image.import_profile import read_profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.image.container import RunResult
    from tools.image.image_build import BuiltImage, ImageBuild

MAX_ADDED_SIZE = 14 * 2**20  # bytes that the image may add to its base
_REQUEST_ID = 80339
_UPDATE = {"request_id": str(_REQUEST_ID), "impact": "low", "note": "Deployed."}
_ACCOUNT = {"accessToken": "demo-token", "account": "wdc"}
# Parts of paths that must not be in the image.
_UNWANTED = {"pip", "setuptools", "pytest", "sandbox", "tools", "image", "build", ".git", "gcc"}
_INVALID_SPEC, _TRY_LATER = 65, 75  # exit codes of the step
_USER, _ROOT = "65532:65532", "0:0"


@dataclass(frozen=True)
class Check:
    """One check of the image.

    Attributes:
        name: what must be so.
        run: returns what is wrong; an empty text when nothing is.
    """

    name: str
    run: Callable[[], str]


def checks_of(image: BuiltImage, image_build: ImageBuild) -> Iterator[Check]:
    """Yield the checks of an image, the slowest one last."""
    yield Check(f"describes itself, and runs as {_USER}", partial(_check_config, image))
    for target, user, arguments in _variants():
        yield Check(
            f"differs as {target} in its user or its arguments alone",
            partial(_check_variant, image, image_build, target, user, arguments),
        )
    yield Check("adds at most 14 MiB to its base", partial(_check_size, image))
    yield Check("contains the environment and the step alone", partial(_check_contents, image))
    yield Check("has a shell", partial(_check_shell, image))
    for name, as_user in _users():
        yield Check(
            f"updates a request as {name}, its root read-only",
            partial(_check_update, image, as_user),
        )
    yield Check("reads a request with the argument get", partial(_check_get, image))
    yield Check("rejects an invalid spec with 65", partial(_check_invalid_spec, image))
    yield Check(
        "ends with 75 when process number 1 gets SIGTERM", partial(_check_termination, image)
    )
    yield Check("compiles nothing at run time", partial(_check_bytecode, image))
    yield Check("imports nothing beyond the budget", partial(_check_imports, image))
    yield Check("is built reproducibly", partial(_check_reproducible, image, image_build))


def _users() -> Sequence[tuple[str, str | None]]:
    any_id = random.SystemRandom().randrange(10_000, 2**31)
    return (
        ("its own user", None),
        (f"user {any_id} of no group", f"{any_id}:{any_id}"),
        ("root", _ROOT),
    )


def _variants() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the stages beside the last one: target, user, arguments."""
    yield ACTION, _ROOT, ()
    yield from ((name, _USER, (name,)) for name in SUMMARIES if name != DEFAULT_OPERATION)


def _sandbox(update: object, faults: Sequence[str] = ()) -> Sandbox:
    spec = {"connection": {"host": FOURME_HOST, **_ACCOUNT}, "request": update}
    return Sandbox(document_for(spec), fourme=FourMeOptions(), faults=faults)


def _check_config(image: BuiltImage) -> str:
    config = image.container.config
    expected = {
        "org.opencontainers.image.title": "4me-step-requests-update",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.version": VERSION,
        "sh.relay.sdk.version": "v1",
    }
    wrong = [name for name, value in expected.items() if config.labels.get(name) != value]
    present = ("description", "source", "revision")
    names = [f"org.opencontainers.image.{name}" for name in present]
    wrong += [name for name in names if name not in config.labels]
    if config.user != _USER:
        wrong.append(f"user {config.user!r}")
    if not config.command or not config.command[0].startswith("/"):
        wrong.append(f"command {config.command}")
    return ", ".join(wrong)


def _check_variant(
    image: BuiltImage,
    image_build: ImageBuild,
    target: str,
    user: str,
    arguments: tuple[str, ...],
) -> str:
    config = image.container.config
    variant = image_build.config_of(target)
    expected = replace(config, user=user, command=(*config.command[:-1], *arguments))
    return "" if variant == expected else f"{variant} instead of {expected}"


def _check_size(image: BuiltImage) -> str:
    return "" if image.size <= MAX_ADDED_SIZE else f"it adds {image.size / 2**20:.1f} MiB"


def _check_contents(image: BuiltImage) -> str:
    unwanted = [path for path in image.files if _UNWANTED.intersection(path.split("/"))]
    return ", ".join(unwanted[:5])


def _check_shell(image: BuiltImage) -> str:
    result = image.container.run({}, command=["/bin/sh", "-c", "echo here"])
    return "" if result.stdout == "here\n" else _describe(result)


def _check_update(image: BuiltImage, user: str | None) -> str:
    with _sandbox(_UPDATE) as sandbox:
        result = image.container.run(sandbox.environment(), user=user)
        stored = sandbox.store.request(_REQUEST_ID) or {}
        published = sandbox.outputs.get("request")
        if result.exit_code != 0 or published != {**stored, "request_id": _REQUEST_ID}:
            return _describe(result)
    return "" if stored["impact"] == "low" else f"it changed nothing: {json.dumps(stored)}"


def _check_get(image: BuiltImage) -> str:
    spec = {"connection": {"host": FOURME_HOST, **_ACCOUNT}, "request_id": _REQUEST_ID}
    command = [*image.container.config.command[:-1], "get"]
    with Sandbox(document_for(spec), fourme=FourMeOptions()) as sandbox:
        result = image.container.run(sandbox.environment(), command=command)
        published = sandbox.outputs.get("request")
        stored = sandbox.store.request(_REQUEST_ID) or {}
    return "" if published == {**stored, "request_id": _REQUEST_ID} else _describe(result)


def _check_invalid_spec(image: BuiltImage) -> str:
    with _sandbox({"request_id": _REQUEST_ID, "impact": "lowest"}) as sandbox:
        result = image.container.run(sandbox.environment())
        calls = [call.name for call in sandbox.calls]
    explained = result.exit_code == _INVALID_SPEC and "request.impact" in result.stderr
    return "" if explained and calls == ["spec"] else _describe(result)


def _check_termination(image: BuiltImage) -> str:
    with _sandbox(_UPDATE, ["patch=429:600"]) as sandbox:
        result = image.container.terminate_on("trying again in", sandbox.environment())
    return "" if result.exit_code == _TRY_LATER else _describe(result)


def _run_with_options(image: BuiltImage, *options: str) -> RunResult:
    """Run the image's command with more options for the interpreter."""
    interpreter, *rest = image.container.config.command
    with _sandbox(_UPDATE) as sandbox:
        return image.container.run(sandbox.environment(), command=[interpreter, *options, *rest])


def _check_bytecode(image: BuiltImage) -> str:
    result = _run_with_options(image, "-v")
    marker = "# code object from '"
    if result.exit_code != 0 or "# code object from" not in result.stderr:
        return _describe(result)
    loaded = (line.rstrip() for line in result.stderr.splitlines() if marker in line)
    return ", ".join(line.partition(marker)[2] for line in loaded if line.endswith(".py'"))


def _check_imports(image: BuiltImage) -> str:
    result = _run_with_options(image, "-X", "importtime")
    imports = read_profile(result.stderr)
    if result.exit_code != 0 or not imports:
        return _describe(result)
    unexpected = read_budget(data_file("import-budget.txt")).unexpected(imports)
    return f"{', '.join(unexpected)}: see tests/data/import-budget.txt" if unexpected else ""


def _check_reproducible(image: BuiltImage, image_build: ImageBuild) -> str:
    layers = image_build.build(no_cache=True)
    return "" if layers == image.layers else f"{image.layers} became {layers}"


def _describe(result: RunResult) -> str:
    return f"it ended with {result.exit_code}\n{result.stdout}{result.stderr}".rstrip()
