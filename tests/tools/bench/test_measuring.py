from __future__ import annotations

import signal
import subprocess
import sys
import time

import psutil
import pytest

from tools.bench.measuring import CommandFailed, bytes_under, measured

PATH = {"PATH": "/usr/bin:/bin"}


def test_wall_and_cpu_are_of_the_command(tmp_path):
    found = measured(["sh", "-c", "sleep 0.2"], PATH, tmp_path / "log.txt")
    assert found.wall >= 0.2
    assert 0 <= found.cpu < found.wall


def test_cpu_of_the_commands_children_counts(tmp_path):
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    found = measured(["sh", "-c", f"{sys.executable} -S -c '{burn}'; true"], PATH, tmp_path / "log.txt")
    assert found.cpu >= 0.3


def test_peak_memory_is_of_the_command_and_not_of_who_measures(tmp_path):
    held = bytearray(b"x" * 80_000_000)
    small = measured([sys.executable, "-S", "-c", "pass"], PATH, tmp_path / "log.txt")
    large = measured([sys.executable, "-S", "-c", "b'x' * 60_000_000"], PATH, tmp_path / "log.txt")
    assert len(held) > small.memory * 1e6
    assert large.memory - small.memory == pytest.approx(57, abs=10)


def test_a_command_that_fails_is_no_measurement_and_its_last_words_are_shown(tmp_path):
    with pytest.raises(CommandFailed, match="sh ended with 3: said something"):
        measured(["sh", "-c", "echo said something; exit 3"], PATH, tmp_path / "log.txt")


def test_a_command_that_takes_too_long_is_stopped_and_its_figures_say_so(tmp_path):
    found = measured(["sleep", "60"], PATH, tmp_path / "log.txt", seconds=0.3)
    assert found.stopped
    assert 0.3 <= found.wall < 30
    assert not measured(["sleep", "0.1"], PATH, tmp_path / "log.txt", seconds=30).stopped


def test_a_command_that_fails_within_its_time_is_no_measurement(tmp_path):
    with pytest.raises(CommandFailed, match="ended with 3"):
        measured(["sh", "-c", "exit 3"], PATH, tmp_path / "log.txt", seconds=30)


def test_a_command_that_does_not_exist_is_no_measurement(tmp_path):
    with pytest.raises(CommandFailed, match="No such file"):
        measured(["no-such-program"], PATH, tmp_path / "log.txt")


def test_a_measurement_that_is_stopped_takes_its_command_with_it(tmp_path):
    program = (
        "import signal, pathlib; from tools.bench.measuring import measured; "
        "signal.signal(signal.SIGTERM, signal.default_int_handler); "
        f"measured(['sh', '-c', 'sleep 345.25'], {PATH!r}, pathlib.Path({str(tmp_path / 'log.txt')!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    sleeper = await_sleeper()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30)
    psutil.wait_procs([sleeper], timeout=30)
    assert not sleeper.is_running() or sleeper.status() == psutil.STATUS_ZOMBIE


def await_sleeper():
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for process in psutil.process_iter(["cmdline"]):
            if process.info["cmdline"] == ["sleep", "345.25"]:
                return process
        time.sleep(0.05)
    pytest.fail("the command did not start")


def test_bytes_under_a_folder_are_those_of_all_its_files(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "one.bin").write_bytes(b"x" * 1000)
    (tmp_path / "a" / "b" / "two.bin").write_bytes(b"x" * 234)
    folders = sum(path.lstat().st_size for path in tmp_path.rglob("*") if path.is_dir())
    assert bytes_under(tmp_path) == 1234 + folders
