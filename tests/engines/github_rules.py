"""What GitHub's runner makes of the files and commands of a step."""

from __future__ import annotations

import re


def read_outputs(text: str) -> dict[str, str]:
    """Return the outputs in the text of $GITHUB_OUTPUT.

    Raises:
        ValueError: the runner would reject the file.
    """
    outputs = {}
    lines = iter(text.split("\n"))
    for line in lines:
        name, separator, delimiter = line.partition("<<")
        if separator and "=" not in name:
            value: list[str] = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            else:
                raise ValueError(f"the value of {name} never ends")
            outputs[name] = "\n".join(value)
        elif line:
            name, equals, plain = line.partition("=")
            if not equals:
                raise ValueError(f"no output: {line}")
            outputs[name] = plain
    return outputs


def unescaped(text: str) -> str:
    """Return the data of a workflow command as the runner reads it."""
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def commands_in(text: str) -> list[tuple[str, str]]:
    """Return the commands that the runner finds in what a step prints, with their data.

    It knows two kinds: `::name properties::data`, where a line begins with it after blanks, and
    `##[name properties]data` anywhere in a line. Letters beyond ASCII, such as combining marks, may
    count for nothing when it compares; here none of them counts.
    """
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        plain = line.encode("ascii", "ignore").decode("ascii")
        match = re.match(r"\s*::(.+?)::(.*)", plain) or re.search(r"##\[(.+?)\](.*)", plain)
        if match:
            found.append((match[1].split(" ")[0], unescaped(match[2])))
    return found
