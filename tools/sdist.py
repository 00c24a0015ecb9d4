"""Source archives from PyPI, their hash checked, and nothing inside them run: for fetch_….py."""
import os
import subprocess
import sys
from pathlib import Path


def pip_command() -> list[str]:
    """The pip of this interpreter, or the one on the PATH (build isolation has none)."""
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True)
    return [sys.executable, "-m", "pip"] if probe.returncode == 0 else ["pip3"]


def download(folder: Path, name: str, version: str, sha256: str, backend: str) -> Path:
    """The archive, in folder. backend is where its build back end's module would be, such as "mesonpy.py".

    pip asks a source archive's build back end for its metadata even when it only downloads. So a stand-in
    takes its place: the real one compiles, or runs code of the archive that nobody has checked yet.
    """
    stem = name.replace("-", "_")
    module = folder / backend
    module.parent.mkdir(parents=True, exist_ok=True)
    if module.parent != folder:
        (module.parent / "__init__.py").write_text("")
    module.write_text(f"""
import os
def prepare_metadata_for_build_wheel(folder, settings=None):
    name = "{stem}-{version}.dist-info"
    os.mkdir(os.path.join(folder, name))
    with open(os.path.join(folder, name, "METADATA"), "w") as f:
        f.write("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return name
""")
    requirement = folder / "requirement.txt"
    requirement.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
    subprocess.run(
        [*pip_command(), "download", "--quiet", "--no-deps", "--no-build-isolation", "--require-hashes",
         "--no-binary", name, "--dest", str(folder), "--requirement", str(requirement)],
        check=True, env={**os.environ, "PYTHONPATH": str(folder)})
    return folder / f"{stem}-{version}.tar.gz"
