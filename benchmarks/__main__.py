"""`python -m benchmarks [NAME…]`: measure, print, and write docs/benchmarks.md when all were measured."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

from benchmarks.report import Row, machine, table

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


class Benchmark(NamedTuple):
    """A module of this folder with `measure`, and what a reader should know of its figures."""

    title: str
    text: str


BENCHMARKS: dict[str, Benchmark] = {
    "seal_startup": Benchmark(
        "One seal, start included",
        "A developer waits for this at every commit. The measure is an empty Python process on the same"
        " machine; the naive script does the same with click, PyYAML and cryptography.x509. kubeseal, which"
        " is a compiled program, took 12 to 17 ms on a machine like this one.",
    ),
    "seal_tree": Benchmark(
        "A tree of files",
        "5,000 files of three values in one run, beside the bare cryptography of it. kubeseal, which takes"
        " one file a process, took 7.7 s for 500 files on a machine like this one.",
    ),
    "templates": Benchmark(
        "Templates",
        "A Secret may have many templates, and each is rendered anew when a value changes. The measure is"
        " Python's own string.Template, which puts the same values into the same text and does nothing else.",
    ),
    "unseal_cluster": Benchmark(
        "Unsealing on a real API server",
        "500 SealedSecrets of three values, RSA-4096; etcd, API server and operator share the processors. The"
        " limit is the RSA operations on all processors and the writes alone, with the same client in the"
        " same run. The Sealed Secrets controller (0.17, its default request rate) took 300 s and 15.3 s of"
        " processor time on a machine like this one, and 12.4 s of processor time for a restart with nothing"
        " to do.",
    ),
    "sync_cluster": Benchmark(
        "What is in sync",
        "10,000 SealedSecrets of one value whose Secrets are as they should be: the operator is started anew,"
        " and one object is edited. Before that, sealing keys: a value does not tell its key, so without a"
        " hint every key is tried until one opens it.",
    ),
    "sync_external": Benchmark(
        "ExternalSecrets",
        "5,000 ExternalSecrets of one value each, over 100 keys of a fake store, which costs nothing itself."
        " First nothing is there but them; then everything is as it should be; then all of them are due at"
        " once. The hour is gone through with a clock that does not wait.",
    ),
}


def main() -> int:
    """Measure what is named, or everything."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; default: all")
    names = parser.parse_args().names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    sections = []
    for name in names:
        print(f"{BENCHMARKS[name].title} ({name}) …", flush=True)
        rows: list[Row] = import_module(f"benchmarks.{name}").measure()
        print(table(rows), flush=True)
        sections.append(
            f"## {BENCHMARKS[name].title}\n\n{fill(BENCHMARKS[name].text, 110)}\n\n{table(rows)}\n"
        )
    if set(names) == set(BENCHMARKS):
        PAGE.write_text(_page(sections))
        print(f"written to {PAGE.relative_to(PAGE.parents[1])}")
    return 0


def _page(sections: list[str]) -> str:
    return (
        "# Benchmarks\n\n"
        "Made by `make bench`; every ratio is of figures taken in the same run. Figures of other programs\n"
        "were taken once, on a machine of the same kind.\n\n"
        f"Taken on {machine()}.\n\n" + "\n".join(sections)
    )


if __name__ == "__main__":
    raise SystemExit(main())
