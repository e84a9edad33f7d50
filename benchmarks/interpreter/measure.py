"""Time interpreters side by side.  Runs in the interpreters' container, and needs only pyperf on PYTHONPATH.

    python3 measure.py PLAN.json RESULT.json

The plan: {"interpreters": {name: path}, "benchmarks": {name: [script, *arguments]}, "rounds": R}.  The result: {benchmark:
{interpreter: seconds}}, where seconds is the least of all rounds.  Each round runs every interpreter once, in a rotated
order.  A virtual machine slows down for seconds or minutes while its neighbours work.  So further rounds repeat a benchmark
until the two least times of each interpreter agree, at most R times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time

# One process per round; pyperf chooses the number of loops so that a value takes a tenth of a second.
PYPERF = "--processes 1 --values 2 --warmups 1 --min-time 0.1 --quiet --inherit-environ PYTHONPATH".split()
STARTS = 20
# The two least times agree if their ratio is below this.
AGREEMENT = 1.03


def measured(interpreter: str, command: list[str]) -> dict[str, float]:
    """Run a pyperf script once; return {benchmark: least seconds}."""
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "result.json")
        done = subprocess.run(
            [interpreter, *command, *PYPERF, "--output", output],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{interpreter} {' '.join(command)}: {done.stderr[-2000:]}")
        with open(output) as file:
            suite = json.load(file)
    found = {}
    for benchmark in suite["benchmarks"]:
        name = {**suite.get("metadata", {}), **benchmark.get("metadata", {})}["name"]
        values = [value for run in benchmark["runs"] for value in run.get("values", [])]
        found[name] = min(values)
    return found


def compile_library(interpreter: str) -> None:
    """Write the standard library's .pyc files, which Debian ships and others write on their first run."""
    code = "import compileall, re, sysconfig as s; compileall.compile_dir(s.get_path('stdlib'), quiet=2, rx=re.compile('/tests?/'))"
    subprocess.run([interpreter, "-I", "-c", code], check=True)


def start_up(interpreter: str, arguments: list[str]) -> float:
    """Return the least time in seconds that an interpreter takes to start and end."""
    best = float("inf")
    for _ in range(STARTS):
        started = time.perf_counter()
        subprocess.run([interpreter, *arguments, "-c", "pass"], check=True)
        best = min(best, time.perf_counter() - started)
    return best


def run(interpreter: str, command: list[str]) -> dict[str, float]:
    """Run a benchmark of the plan once; return {benchmark: seconds}."""
    if command[0] == "startup":
        return {"startup": start_up(interpreter, []), "startup_isolated": start_up(interpreter, ["-I", "-S"])}
    return measured(interpreter, command)


def agree(times: list[float]) -> bool:
    """Tell whether the two least times agree."""
    least = sorted(times)[:2]
    return len(least) == 2 and least[1] < least[0] * AGREEMENT


def main() -> None:
    """Carry out the plan."""
    with open(sys.argv[1]) as file:
        plan = json.load(file)
    names = list(plan["interpreters"])
    for path in plan["interpreters"].values():
        compile_library(path)
    times: dict[str, dict[str, list[float]]] = {}
    waiting = {"startup": ["startup"], **plan["benchmarks"]}
    for turn in range(plan["rounds"]):
        order = names[turn % len(names) :] + names[: turn % len(names)]
        for label, command in list(waiting.items()):
            found = [(name, run(plan["interpreters"][name], command)) for name in order]
            for name, values in found:
                for benchmark, seconds in values.items():
                    times.setdefault(benchmark, {}).setdefault(name, []).append(seconds)
            if all(agree(times[benchmark][name]) for name, values in found for benchmark in values):
                del waiting[label]
            print(f"round {turn + 1} of {plan['rounds']}: {label}", file=sys.stderr, flush=True)
    if waiting:
        print(f"no agreement after all rounds: {' '.join(waiting)}", file=sys.stderr)
    result = {benchmark: {name: min(values) for name, values in row.items()} for benchmark, row in times.items()}
    with open(sys.argv[2], "w") as file:
        json.dump(result, file, indent=1, sort_keys=True)


main()
