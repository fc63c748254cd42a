"""Reads the version of a piece of software from the file that its vendor installs."""

import re

from wit_world.exports.image_analyzer import Analysis, Body_Whole, InputFile
from wit_world.imports.common import Confidence, Problem
from wit_world.imports.packages import Package, PackageType

from palisade import host

BYTES_MAX = 256
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,127}")


class ImageAnalyzer:
    """The kind `image-analyzer`."""

    def analyze(self, files: list[InputFile]) -> Analysis:
        """Analyses one batch of files of one layer."""
        analysis = Analysis(systems=[], packages=[], ownerships=[], findings=[], problems=[])
        for item, file in enumerate(files):
            try:
                analysis.packages.append(_package(item, _version(file)))
            except ValueError as error:
                analysis.problems.append(Problem(item, str(error)))
        return analysis


def _version(file: InputFile) -> str:
    """The version that a file holds. Raises `ValueError` with what is wrong with it."""
    if file.size > BYTES_MAX:
        raise ValueError(f"has {file.size} bytes; a version file has at most {BYTES_MAX}")
    try:
        version = _bytes(file).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    if not VERSION.fullmatch(version):
        raise ValueError("does not hold one version and nothing else")
    return version


def _bytes(file: InputFile) -> bytes:
    """The bytes of a file, whether it was handed over whole or as a handle."""
    body = file.body
    return body.value if isinstance(body, Body_Whole) else host("content", lambda: body.value.read(0, BYTES_MAX))


def _package(item: int, version: str) -> Package:
    return Package(
        item=item,
        kind=PackageType.GENERIC,
        name="example",
        version=version,
        arch=None,
        source_name=None,
        source_version=None,
        licenses=[],
        inner=None,
        method="example-version",
        confidence=Confidence.HIGH,
    )
