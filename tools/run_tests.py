#!/usr/bin/env python3
"""All tests, several programs side by side; the last line counts them all. Behind `make test`, which builds first.

    run_tests.py [--lanes N] [arguments of pytest]

The C units (with SANITIZE=1 also in the sanitized build, which is built here) and groups of pytest's files are jobs;
a free lane takes the next. Each pytest has servers of its own. Tests marked `quiet` measure time or memory: they
come last, by themselves. Of a job one line is shown when it ends, and what failed; of one that is ended from outside
also the test that it was at. With arguments pytest is one process, whose output is shown as it comes, and nothing runs
beside it.

A job fails if a test of it does, and also if it dies, says nothing that can be counted, or has no tests. Before the
count stand the reasons why tests were skipped.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as tree
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
END_SECONDS = 10.0

# What goes together, longest first: files, and folders for those of their files that are not named. What is not here
# goes by folder, after these.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("pg/test_sql_faults.py",),
    ("integration/test_faults.py", "integration/test_hub_faults.py", "integration/test_embedded_extension.py",
     "integration/test_external_hub.py", "integration/test_another_wrapper.py"),
    ("integration/test_packaging.py",),
    ("integration",),
    ("pg",),
    ("adapters/rest/test_rest_differential.py",),
    ("adapters/rest",),
    ("docs",),
    ("adapters/mysql",),
    ("pg/test_mysql_tables.py", "pg/test_mysql_tpch.py", "pg/test_postgres_tables.py", "pg/test_postgres_fdw_cases.py",
     "pg/test_sqlite_tables.py", "pg/test_differential_rest.py"),
    ("pg/test_sql_writes.py", "pg/test_sql_statistics.py", "pg/test_transactions_of_servers.py",
     "pg/test_joins_across.py"),
    ("pg/test_source_process.py", "pg/test_transactions.py", "pg/test_sqlite_writes.py"),
    ("python",),
    ("http",),
    ("adapters", "adapters/postgres", "adapters/sqlite"),
    ("cli", "source"),
)


@dataclass
class Job:
    """A program that runs tests. output: where it writes, None for our own output."""
    name: str
    command: list[str]
    output: Path | None
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0

    def start(self) -> None:
        self.began = time.monotonic()
        with contextlib.ExitStack() as stack:
            to = None if self.output is None else stack.enter_context(open(self.output, "wb"))
            # In our process group: what ends us from outside (Ctrl-C, timeout) ends it, too.
            self.process = subprocess.Popen(self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=to,
                                            stderr=None if to is None else subprocess.STDOUT)

    def status(self) -> int | None:
        assert self.process is not None
        return self.process.poll()

    def counts(self) -> tuple[int, int]:
        """How many tests passed and failed; ValueError: it does not say."""
        raise NotImplementedError

    def skips(self) -> Counter[str]:
        """How many tests were skipped, by the reason."""
        return Counter()

    def text(self) -> str:
        return "" if self.output is None else self.output.read_text(errors="replace")

    def failures(self) -> list[str]:
        """A line for each test that failed."""
        return re.findall(r"^(?:FAILED|ERROR) \S.*$", self.text(), re.MULTILINE)

    def story(self, has_ended: bool) -> str:
        """What is worth reading when not all is well."""
        return self.text()


class Units(Job):
    """ctest; its lines "N% tests passed, F tests failed out of T" are the count."""

    def counts(self) -> tuple[int, int]:
        found = re.findall(r"tests passed, (\d+) tests failed out of (\d+)", self.text())
        if not found:
            raise ValueError("said nothing that can be counted")
        failed = sum(int(bad) for bad, _ in found)
        return sum(int(total) for _, total in found) - failed, failed

    def failures(self) -> list[str]:
        return [f"FAILED {name}" for name in re.findall(r"^\s+\d+ - (\S+ \(.+\))", self.text(), re.MULTILINE)]


@dataclass
class Files(Job):
    """pytest; its report has the counts."""
    report: Path = field(default_factory=Path)

    def counts(self) -> tuple[int, int]:
        try:
            suites = list(tree.parse(self.report).iter("testsuite"))
        except (OSError, tree.ParseError):
            raise ValueError("left no report") from None
        tests, failed, errors, skipped = (
            sum(int(suite.get(name, 0)) for suite in suites) for name in ("tests", "failures", "errors", "skipped"))
        if tests == 0:
            raise ValueError("ran no test")
        return tests - failed - errors - skipped, failed + errors

    def skips(self) -> Counter[str]:
        with contextlib.suppress(OSError, tree.ParseError):
            return Counter(skip.get("message", "") for skip in tree.parse(self.report).iter("skipped"))
        return Counter()

    def story(self, has_ended: bool) -> str:
        text = self.text()
        details = re.search(r"^=+ (?:ERRORS|FAILURES) =+$", text, re.MULTILINE)
        if details or has_ended:
            return text[details.start():] if details else text
        lines = text.splitlines()
        return "\n".join([line for line in lines[:-1] if re.search(r" (?:FAILED|ERROR)\b", line)] + lines[-1:]) + "\n"


class Ended(Exception):
    """Somebody wants us to end."""


def take_signals() -> None:
    def end(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # make hands on what timeout has sent us already
        raise Ended

    signal.signal(signal.SIGTERM, end)
    # A shell's background job ignores it, and so would the tests, some of which are about it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def run(jobs: list[Job], lanes: int) -> Generator[tuple[Job, int, int, str], None, None]:
    """Each job when it has ended, its counts, and what else is wrong. None of them runs on when this is left."""
    waiting, running = list(reversed(jobs)), list[Job]()
    try:
        while waiting or running:
            while waiting and len(running) < lanes:
                running.append(waiting.pop())
                running[-1].start()
            ended = [job for job in running if job.status() is not None]
            for job in ended:
                running.remove(job)
                yield job, *verdict(job)
            if not ended:
                time.sleep(0.05)
    finally:
        stop(running)


def verdict(job: Job) -> tuple[int, int, str]:
    """Passed, failed, and what else is wrong, which is one more failure."""
    status = job.status()
    by = f"signal {-status}" if status is not None and status < 0 else f"exit code {status}"
    try:
        passed, failed = job.counts()
    except ValueError as error:
        return 0, 1, f"{error}; ended with {by}"
    if status != 0 and failed == 0:
        return passed, 1, f"ended with {by}"
    return passed, failed, ""


def stop(jobs: list[Job]) -> None:
    """First they may end by themselves, as at Ctrl-C."""
    jobs = [job for job in jobs if job.process is not None]
    for told in (None, signal.SIGTERM, signal.SIGKILL):
        until = time.monotonic() + END_SECONDS
        for job in jobs:
            if told is not None and job.status() is None:
                assert job.process is not None
                job.process.send_signal(told)
        while time.monotonic() < until and any(job.status() is None for job in jobs):
            time.sleep(0.05)
    for job in jobs:
        show(job, "did not end", job.story(has_ended=False))


def show(job: Job, what: str, story: str) -> None:
    if job.output is not None:
        print(f"== {job.name}: {what}, {time.monotonic() - job.began:.0f} s\n{story}", end="", flush=True)


def groups(folder: Path, named: tuple[tuple[str, ...], ...] = GROUPS) -> list[tuple[str, list[Path]]]:
    """Every file of tests is in one group."""
    found = sorted({*folder.rglob("test_*.py"), *folder.rglob("*_test.py")})
    files = {str(path.relative_to(folder)): path for path in found}
    taken = {name for group in named for name in group if name in files}
    made: dict[str, list[Path]] = {}
    for group in named:
        made[group[0]] = [path for name, path in files.items()
                          if name in group or (name not in taken and str(Path(name).parent) in group)]
    left = {path: name for name, path in files.items()}
    for paths in made.values():
        for path in paths:
            del left[path]
    for path, name in left.items():
        made.setdefault(str(Path(name).parent), []).append(path)
    return [(name, paths) for name, paths in made.items() if paths]


def pytest_command(report: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", f"--junit-xml={report}", *arguments]


def units(place: Path, sanitize: bool) -> list[Job]:
    def ctest(folder: str) -> str:
        return f"ctest --test-dir {folder} --output-on-failure -j2 --timeout 300"
    made: list[Job] = [Units("C units", ["bash", "-c", ctest("build")], place / "units")]
    if sanitize:
        made.insert(0, Units("sanitized C units", [
            "bash", "-c", f"make --no-print-directory sanitize && {ctest('build/sanitize')}"], place / "sanitized"))
    return made


def all_files(folder: Path, place: Path) -> tuple[list[Job], list[Job]]:
    """Jobs for side by side, and jobs for after them."""
    def job(name: str, *arguments: str) -> Files:
        output, report = (place / (re.sub(r"\W", "-", name) + suffix) for suffix in (".txt", ".xml"))
        # Without a cache, which is one run's: the failed tests of all jobs are listed at the end.
        command = pytest_command(report, "-v", "--no-header", "-p", "no:cacheprovider", *arguments)
        return Files(name, command, output, report=report)
    beside: list[Job] = [job(name, "-m", "not quiet", *map(str, files)) for name, files in groups(folder)]
    return beside, [job("quiet tests", "-m", "quiet", str(folder))]


def main() -> int:
    usage = "run_tests.py [--lanes N] [arguments of pytest]"
    parser = argparse.ArgumentParser(description="run all tests", usage=usage, allow_abbrev=False)
    parser.add_argument("--lanes", type=int, default=lanes_here())
    options, arguments = parser.parse_known_args()
    if options.lanes < 1:
        parser.error("--lanes: at least 1")
    # Debian keeps mariadbd where an ordinary user's PATH does not look.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

    take_signals()
    with tempfile.TemporaryDirectory(prefix="tests-") as name:
        place = Path(name)
        beside = units(place, os.environ.get("SANITIZE", "0") == "1")
        if arguments:
            report = place / "report.xml"
            one: list[Job] = [Files("pytest", pytest_command(report, *arguments), None, report=report)]
            return run_phases([(beside, 1), (one, 1)])
        files, after = all_files(ROOT / "tests", place)
        return run_phases([(beside + files, options.lanes), (after, 1)])


def run_phases(phases: list[tuple[list[Job], int]]) -> int:
    passed = failed = 0
    complaints: list[str] = []
    skips: Counter[str] = Counter()
    try:
        for jobs, lanes in phases:
            with contextlib.closing(run(jobs, lanes)) as ends:
                for job, good, bad, wrong in ends:
                    show(job, f"{good} passed, {bad} failed", job.story(has_ended=True) if bad else "")
                    passed, failed = passed + good, failed + bad
                    skips += job.skips()
                    complaints += job.failures()
                    complaints += [f"FAILED {job.name}: {wrong}"] if wrong else []
    except (KeyboardInterrupt, Ended):
        failed += 1
        complaints.append("run_tests: ended from outside")
    for reason, count in sorted(skips.items()):
        print(f"{count} skipped: {reason}")
    for line in ["== what failed", *complaints] if complaints else []:
        print(line)
    print(f"{passed} passed, {failed} failed", flush=True)
    return int(failed > 0)


def lanes_here() -> int:
    """One more than processors: tests also wait, for servers and for time. Each takes up to 500 MB."""
    return min(len(os.sched_getaffinity(0)) + 1, 8)


if __name__ == "__main__":
    sys.exit(main())
