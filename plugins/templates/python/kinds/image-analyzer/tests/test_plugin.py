from wit_world.exports.image_analyzer import Body_Handle, Body_Whole, InputFile
from wit_world.imports.common import Confidence, Problem
from wit_world.imports.packages import PackageType

from plugin import ImageAnalyzer
from tests.fakes import HostTest


class Handle:
    """Stands for a `content` resource."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def file(body: Body_Whole | Body_Handle, size: int) -> InputFile:
    return InputFile("opt/example/VERSION", size, ["example-version"], body)


def whole(data: bytes) -> InputFile:
    return file(Body_Whole(data), len(data))


class ImageAnalyzerTest(HostTest):
    def test_a_version_becomes_a_package(self) -> None:
        analysis = ImageAnalyzer().analyze([whole(b"2.4.1\n")])
        self.assertEqual(analysis.problems, [])
        [package] = analysis.packages
        self.assertEqual((package.item, package.kind, package.version), (0, PackageType.GENERIC, "2.4.1"))
        self.assertEqual((package.name, package.arch, package.confidence), ("example", None, Confidence.HIGH))

    def test_a_handle_is_read_like_the_whole(self) -> None:
        analysis = ImageAnalyzer().analyze([file(Body_Handle(Handle(b"3.0\n")), 4)])
        self.assertEqual(analysis.packages[0].version, "3.0")

    def test_what_is_no_version_is_a_problem_of_that_file_alone(self) -> None:
        files = [whole(b""), whole(b"1.0"), whole(b"\xff\xfe"), whole(b"9" * 300)]
        analysis = ImageAnalyzer().analyze(files)
        self.assertEqual([package.item for package in analysis.packages], [1])
        self.assertEqual(
            analysis.problems,
            [
                Problem(0, "does not hold one version and nothing else"),
                Problem(2, "is not UTF-8"),
                Problem(3, "has 300 bytes; a version file has at most 256"),
            ],
        )
