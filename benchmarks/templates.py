"""Parsing and rendering a template of 1 KiB with ten actions, against Python's own string.Template.

Run with `python -m benchmarks.templates`. string.Template fills the same text with the same values; it
knows no pipelines, so it is compared with a template of ten bare fields. Ten pipelines with seventeen
calls are what the aim of 0.2 ms is held against. Each round renders all of them in turn.
"""

from __future__ import annotations

import re
import string
import time
from collections.abc import Callable

from benchmarks.report import Row, median, table
from sealbridge.templates import Template

SIZE, ACTIONS = 1024, 10
RENDERINGS, PARSINGS, ROUNDS = 500, 50, 7
# Milliseconds for one rendering.
TARGET = 0.2

VALUES = {
    "user": "anna",
    "password": "correct horse battery staple",
    "host": "db.example.com",
    "port": "5432",
    "name": "orders",
    "tls": "require",
    "pool": "20",
    "schema": "public",
    "application": "shop",
    "timeout": "30",
}
PIPELINES = (
    "user: {{ .user | quote }}",
    "password: {{ .password | b64enc | quote }}",
    "host: {{ .host | default `localhost` | lower }}",
    "port: {{ .port | int }}",
    'url: {{ printf "postgres://%s:%s@%s/%s" .user (urlquery .password) .host .name }}',
    "tls: {{ if eq .tls `require` }}on{{ else }}off{{ end }}",
    "pool: {{ add .pool 5 | min 50 }}",
    'schema: {{ regexReplaceAll "[^a-z]+" .schema "_" | trunc 20 }}',
    "application: {{ upper .application | trimSuffix `!` }}",
    "digest: {{ sha256sum .password | trunc 12 }}",
)


def measure() -> list[Row]:
    """Medians in milliseconds, and how many times string.Template a rendering takes."""
    fields = _padded([f"{key}: {{{{ .{key} }}}}" for key in VALUES])
    plain = string.Template(re.sub(r"{{ \.(\w+) }}", r"${\1}", fields))
    pipelines = _padded(list(PIPELINES))
    simple, rich = Template(fields), Template(pipelines)
    if simple.render(VALUES) != plain.substitute(VALUES):
        raise RuntimeError("the two templates render differently")
    # Functions are imported when they are used first.
    rich.render(VALUES)

    peers, ours, filled, parsed = [], [], [], []
    for number in range(ROUNDS):
        peers.append(_each(RENDERINGS, lambda _: plain.substitute(VALUES)))
        ours.append(_each(RENDERINGS, lambda _: simple.render(VALUES)))
        filled.append(_each(RENDERINGS, lambda _: rich.render(VALUES)))
        # Under a name that it never had, a source is not taken from the cache.
        parsed.append(_each(PARSINGS, lambda n, at=number: Template(pipelines, name=f"{at}/{n}")))
    peer, bare = median(peers), median(ours)
    return [
        Row(f"string.Template, {SIZE} bytes, {ACTIONS} fields", peer, "ms", f"median of {ROUNDS}"),
        Row(f"the same rendered by sealbridge.templates, {ACTIONS} fields", bare, "ms", "once parsed"),
        Row("rendering fields, in string.Template's time", bare / peer, "x"),
        Row(
            f"{SIZE} bytes, {ACTIONS} pipelines with functions",
            median(filled),
            "ms",
            f"aim: less than {TARGET:g}",
        ),
        Row("parsing these pipelines", median(parsed), "ms", "the first time; then it is cached"),
    ]


def _padded(lines: list[str]) -> str:
    """A text of the lines and, between them, comments: exactly as large as said."""
    room = SIZE - sum(len(line) + 1 for line in lines)
    widths = [room // len(lines)] * (len(lines) - 1)
    widths.append(room - sum(widths))
    return "".join(
        f"{line}\n{'# a line of comment. '.ljust(width - 1, '.')}\n"
        for line, width in zip(lines, widths, strict=True)
    )


def _each(count: int, work: Callable[[int], object]) -> float:
    """Milliseconds for one of so many."""
    begin = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - begin) / count * 1000


if __name__ == "__main__":
    print(table(measure()))
