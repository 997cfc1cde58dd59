"""Compiles the way of a request to machine code when a wheel is built with TAMEFLARE_COMPILE=1; otherwise does nothing.

mypyc makes extension modules of typed Python. Which modules: `compiled` in pyproject.toml. The Python files stay in the
wheel beside them: an interpreter for which nothing was compiled runs those, and both pass the same tests.
"""

from __future__ import annotations

import atexit
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH: Final = "TAMEFLARE_COMPILE"
SOURCES: Final = Path("src")


def compile_modules(modules: list[str], build: Path) -> Path:
    """Compile `modules` (dotted names) below `build`; the directory that holds the extension modules as a package tree.

    Raises what the compilers raise: mypyc's findings are told on standard error.
    """
    from mypyc.build import mypycify
    from setuptools import Distribution

    files = [str(SOURCES / name.replace(".", "/")) + ".py" for name in modules]
    extensions = mypycify(["--config-file=pyproject.toml", *files], group_name="tameflare", target_dir=str(build / "c"))
    made = Distribution({"name": "tameflare", "ext_modules": extensions})
    command = made.get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(build / "lib"), str(build / "objects")
    command.ensure_finalized()
    command.run()
    return build / "lib"


class CompileHook(BuildHookInterface[Any]):
    """Puts the extension modules into the wheel, and names the interpreter that the wheel is for."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable" or os.environ.get(SWITCH) != "1":
            return
        build = TemporaryDirectory()
        atexit.register(build.cleanup)  # the wheel is written after this method
        made = compile_modules(self.config["compiled"], Path(build.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for extension in made.rglob("*.so"):
            build_data["force_include"][str(extension)] = str(extension.relative_to(made))
