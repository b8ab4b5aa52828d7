"""What pyproject.toml cannot say: smolplane.v1 is made while the package is built."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent))

from generate import GenerateError, generate  # noqa: E402


class BuildWithApi(build_py):
    """build_py, and the API's modules next to the package's own."""

    def run(self) -> None:
        super().run()
        try:
            generate(Path(self.build_lib) / "smolplane" / "v1")
        except GenerateError as error:
            sys.exit(f"setup.py: {error}")


setup(cmdclass={"build_py": BuildWithApi})
