"""What `make test` makes of tests that fail, processes that die, and Ctrl-C: never a pass, and nothing runs on."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import run_tests
from harness.project import ROOT
from scratch_servers import free_port

PASSES = "def test_one():\n    pass\n\ndef test_two():\n    pass\n"
QUIET = "import pytest\n\n@pytest.mark.quiet\ndef test_alone():\n    pass\n"


WRONG = {
    "fails": ("def test_wrong():\n    assert False\n", "{file}::test_wrong"),
    "errors": ("def test_wrong(no_such):\n    pass\n", "{file}::test_wrong"),
    "imports": ("import no_such_module\n", "{file}"),
    "leaves": ("import os\n\ndef test_wrong():\n    os._exit(0)\n", "FAILED {name}: left no report; ended with exit code 0"),
    "dies": ("import os\n\ndef test_wrong():\n    os.kill(os.getpid(), 11)\n", "FAILED {name}: left no report; ended with signal 11"),
    "breaks": ("import atexit, os\n\natexit.register(os._exit, 3)\n\ndef test_one():\n    pass\n", "FAILED {name}: ended with exit code 3"),
    "stops": ("import pytest\n\ndef test_wrong():\n    pytest.exit('enough')\n", "FAILED {name}: ran no test; ended with exit code 2"),
    "empty": ("", "FAILED {name}: ran no test; ended with exit code 5"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "pytest.ini").write_text("[pytest]\nmarkers = quiet\n")
    return tmp_path / "tests"


def put(folder: Path, **files: str) -> None:
    """Each in a folder of its own, and so a job of its own."""
    for name, text in files.items():
        (folder / name).mkdir()
        (folder / name / f"test_{name}.py").write_text(text)


def run(folder: Path, capfd: pytest.CaptureFixture[str], quiet_too: bool = True) -> tuple[int, list[str], str]:
    """The exit code, the complaints and the count, all else."""
    place = folder.parent / "place"
    place.mkdir()
    beside, after = run_tests.all_files(folder, place)
    status = run_tests.run_phases([(beside, 2), (after if quiet_too else [], 1)])
    lines = capfd.readouterr().out.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("== ")) + 1
    return status, lines[last:], "\n".join(lines[:last])


def test_counts_are_summed_and_quiet_tests_come_last(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(folder, a=PASSES, b=PASSES + QUIET, c="import pytest\n\ndef test_three():\n    pytest.skip('not here')\n\n" + PASSES)
    status, end, shown = run(folder, capfd)
    assert (status, end) == (0, ["1 skipped: not here", "7 passed, 0 failed"])
    heads = [line.split(":")[0] for line in shown.splitlines() if line.startswith("== ")]
    assert sorted(heads[:3]) == ["== a", "== b", "== c"] and heads[3:] == ["== quiet tests"]


def test_no_failure_looks_like_a_pass(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(folder, fine=PASSES, **{name: text for name, (text, _) in WRONG.items()})
    status, (*told, count), shown = run(folder, capfd, quiet_too=False)
    assert (status, count) == (1, f"3 passed, {len(WRONG)} failed")  # what breaks has passed a test first
    for name, (_, complaint) in WRONG.items():
        wanted = complaint.format(name=name, file=f"{name}/test_{name}.py")
        assert len([line for line in told if wanted in line]) == 1, (wanted, told)
    assert "assert False" in shown and "No module named" in shown and "test_fine" not in shown


def test_quiet_tests_that_are_not_there_are_missed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    put(folder, fine=PASSES)
    assert run(folder, capfd)[:2] == (1, ["FAILED quiet tests: ran no test; ended with exit code 5", "2 passed, 1 failed"])


def test_units_that_fail_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said = "67% tests passed, 1 tests failed out of 3\\n\\nThe following tests FAILED:\\n\\t 12 - hub/test_pool (Failed)\\nErrors while running CTest\\n"
    job = run_tests.Units("C units", ["bash", "-c", f"printf '{said.replace('%', '%%')}'; exit 8"], tmp_path / "said")
    assert run_tests.run_phases([([job], 1)]) == 1
    assert capfd.readouterr().out.splitlines()[-3:] == ["== what failed", "FAILED hub/test_pool (Failed)", "2 passed, 1 failed"]


def test_no_lanes_are_an_error() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "run_tests.py", "--lanes", "0"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "at least 1" in done.stderr


def test_every_file_is_in_one_group(folder: Path) -> None:
    put(folder, a=PASSES, b=PASSES, c=PASSES, d=PASSES)
    (folder / "a" / "more_test.py").write_text(PASSES)
    groups = run_tests.groups(folder, (("a", "d"), ("b/test_b.py", "a/test_a.py"), ("gone/test_gone.py",)))
    assert [(name, [path.name for path in files]) for name, files in groups] == [
        ("a", ["more_test.py", "test_d.py"]), ("b/test_b.py", ["test_a.py", "test_b.py"]), ("c", ["test_c.py"])]


def test_the_groups_are_of_files_that_are_there() -> None:
    named = [name for group in run_tests.GROUPS for name in group]
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == [] and len(set(named)) == len(named)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_nothing_runs_on_after(folder: Path, how: signal.Signals) -> None:
    """Ctrl-C goes to the whole group of processes, as timeout's SIGTERM does, which make then hands on once more."""
    marks = folder.parent / "marks"
    marks.mkdir()
    waits = (f"import os, pathlib, time\n\ndef test_fails():\n    assert False\n\ndef test_waits():\n"
             f"    pathlib.Path({str(marks)!r}, str(os.getpid())).touch()\n    time.sleep(300)\n")
    put(folder, one=waits, two=waits)
    program = ("import pathlib, sys, run_tests\nfolder = pathlib.Path(sys.argv[1])\nrun_tests.take_signals()\n"
               "sys.exit(run_tests.run_phases([(run_tests.all_files(folder, folder.parent)[0], 2)]))\n")
    with subprocess.Popen([sys.executable, "-c", program, str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          start_new_session=True, env={**os.environ, "PYTHONPATH": f"{ROOT / 'tools'}:{os.environ.get('PYTHONPATH', '')}"}) as process:
        until = time.monotonic() + 60
        while len(list(marks.iterdir())) < 2:
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, how)
        if how == signal.SIGTERM:
            time.sleep(0.02)
            process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.splitlines()[-2:] == ["run_tests: ended from outside", "0 passed, 1 failed"]
    assert said.count("did not end") == 2
    # pytest itself ends by the one, and tells all; of the other it dies, having told what failed and where it was.
    for word in ("assert False", "KeyboardInterrupt") if how == signal.SIGINT else ("::test_fails FAILED", "::test_waits"):
        assert said.count(word) >= 2, said
    for mark in marks.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(mark.name), 0)


def test_a_servers_port_is_none_that_the_kernel_gives_away() -> None:
    """Else another job's client could have it while a test starts the server again."""
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    if first <= 20000:
        pytest.skip("this machine leaves too few others")
    ports = {free_port() for _ in range(20)}
    assert not any(first <= port <= last for port in ports) and len(ports) > 15
