#!/usr/bin/env python3
"""Compares the speed of interpreters with Debian's own python3.13.

    python3 benchmarks/interpreter/run.py [--rounds R] [--quick] [--output FILE.md] NAME=FOLDER ...

FOLDER contains bin/python3: an unpacked install_only archive, or python/install of a full archive.  All interpreters run in
turns in one Debian 13 container, until the least times of each agree.  A ratio is Debian's least time divided by the
interpreter's, so above 1 means faster than Debian.
Benchmarks: those of pyperformance without further dependencies, start-up, and the modules for compression and hashes.
Needs a Docker daemon on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT))

from pythonbuild import bootstrap  # noqa: E402  (the path is set just above)

BENCHMARKS = """async_generators async_tree barnes_hut base64 chaos comprehensions coroutines decimal_pi deepcopy deltablue
fannkuch float gc_collect gc_traversal generators go hexiom json_dumps json_loads logging mdp meteor_contest nbody nqueens
pathlib pickle pidigits pprint pyflate raytrace regex_compile regex_dna regex_effbot regex_v8 richards richards_super scimark
spectral_norm sqlite_synth telco typing_runtime_protocols unpack_sequence xml_etree""".split()
QUICK = """async_tree comprehensions deepcopy deltablue fannkuch float generators go hexiom json_dumps json_loads logging nbody
pickle pyflate raytrace regex_compile richards spectral_norm telco unpack_sequence""".split()
ARGUMENTS = {"async_tree": ["none"], "pickle": ["pickle"]}
BASELINE = "debian"
IMAGE = "compare"


def tools(cache: Path) -> Path:
    """Return a folder with pyperf and pyperformance; install them from the pinned list if necessary."""
    requirements = HERE / "requirements.txt"
    folder = cache / f"benchmarks-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    if not folder.exists():
        partial = folder.with_name(f"{folder.name}.{os.getpid()}")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "--target", str(partial), "-r", str(requirements)], check=True)
        partial.rename(folder)
    return folder


def plan(interpreters: dict[str, str], names: list[str], rounds: int) -> dict[str, object]:
    """Return the plan for measure.py, with paths inside the container."""
    place = "/tools/pyperformance/data-files/benchmarks"
    commands = {name: [f"{place}/bm_{name}/run_benchmark.py", *ARGUMENTS.get(name, [])] for name in names}
    return {"interpreters": interpreters, "benchmarks": {**commands, "modules": ["/code/modules.py"]}, "rounds": rounds}


def measure(folders: dict[str, Path], names: list[str], rounds: int, cache: Path) -> dict[str, dict[str, float]]:
    """Run the plan in a container; return {benchmark: {interpreter: seconds}}."""
    from pythonbuild.catalog.load import load_catalog
    from pythonbuild.engines.daemon import Daemon
    from pythonbuild.engines.images import Images
    from pythonbuild.sources.downloaders import debian_mirrors

    catalog = load_catalog(ROOT / "cpython-unix")
    images = Images(Daemon.connect(), debian_mirrors, lambda line: print(line, file=sys.stderr))
    image = images.ensure(catalog.images[IMAGE], catalog.image_files["debian.Dockerfile.j2"])
    inside = {name: f"/interpreters/{name}/bin/python3" for name in folders}
    with tempfile.TemporaryDirectory() as exchange:
        text = json.dumps(plan({BASELINE: "/usr/bin/python3.13", **inside}, names, rounds))
        Path(exchange, "plan.json").write_text(text)
        mounts = {str(HERE): "/code:ro", str(tools(cache)): "/tools:ro", exchange: "/exchange"}
        for name, path in folders.items():
            # A copy, because measure.py adds .pyc files.
            copy = shutil.copytree(path, Path(exchange, "interpreters", name), symlinks=True)
            mounts[str(copy)] = f"/interpreters/{name}"
        command = [
            "docker",
            "run",
            "--rm",
            "--network=none",
            "--env=PYTHONPATH=/tools",
            "--env=PYTHONDONTWRITEBYTECODE=1",
        ]
        command += [f"--volume={outside}:{place}" for outside, place in mounts.items()]
        command += [image, "python3.13", "/code/measure.py", "/exchange/plan.json", "/exchange/result.json"]
        if subprocess.run(command).returncode:
            sys.exit("the container failed; its messages are above")
        return dict(json.loads(Path(exchange, "result.json").read_text()))


def table(result: dict[str, dict[str, float]], names: list[str]) -> str:
    """Return a table in Markdown: Debian's time, the ratio of each interpreter, and the geometric means."""
    rows = [f"| benchmark | {BASELINE} | {' | '.join(names)} |", f"|---|---{'|---' * len(names)}|"]
    for benchmark, times in sorted(result.items()):
        ratios = " | ".join(f"{times[BASELINE] / times[name]:.3f}" for name in names)
        rows.append(f"| {benchmark} | {_time(times[BASELINE])} | {ratios} |")
    means = [_mean([times[BASELINE] / times[name] for times in result.values()]) for name in names]
    rows.append(f"| **geometric mean of {len(result)}** | | {' | '.join(f'**{mean:.3f}**' for mean in means)} |")
    worst = [sum(times[BASELINE] / times[name] < 1 for times in result.values()) for name in names]
    rows.append(f"| slower than {BASELINE} | | {' | '.join(map(str, worst))} |")
    return "\n".join(rows) + "\n"


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def _mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("interpreters", metavar="NAME=FOLDER", nargs="+")
    parser.add_argument(
        "--rounds", type=int, default=8, help="maximum number of rounds for each benchmark (default: %(default)s)"
    )
    parser.add_argument("--quick", action="store_true", help="run half of the benchmarks, one round")
    parser.add_argument(
        "--benchmarks",
        metavar="A,B",
        help="run only these benchmarks of pyperformance (default: those without further dependencies)",
    )
    parser.add_argument("--output", type=Path, help="also write the table to this file")
    flags = parser.parse_args()
    from pythonbuild.home import home

    folders = {name: Path(path).resolve() for name, _, path in (text.partition("=") for text in flags.interpreters)}
    for name, path in folders.items():
        if not (path / "bin" / "python3").exists():
            parser.error(f"{name}: {path}/bin/python3 does not exist")
    names = flags.benchmarks.split(",") if flags.benchmarks else QUICK if flags.quick else BENCHMARKS
    result = measure(folders, names, 1 if flags.quick else flags.rounds, home())
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.machine())
    text = f"Processor: {processor}, {os.cpu_count()} threads.\n\n{table(result, list(folders))}"
    sys.stdout.write(text)
    if flags.output:
        flags.output.write_text(text)


if __name__ == "__main__":
    # Restart in pythonbuild's own virtual environment: the container is started with pythonbuild's modules.
    own = bootstrap.virtual_environment("requirements.txt") / "bin" / "python"
    if Path(sys.prefix) != own.parent.parent:
        os.execv(own, [str(own), __file__, *sys.argv[1:]])
    main()
