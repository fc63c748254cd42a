import json
from typing import Any

from wit_world.imports.resources import AssetResource, CheckStatus

from palisade import encode
from plugin import Posture
from tests.fakes import HostTest


def resource(kind: str, body: Any) -> AssetResource:
    return AssetResource("a", kind, encode(body))


def pod(*images: str | None) -> AssetResource:
    return resource("v1/Pod", {"spec": {"containers": [{"image": image} for image in images]}})


def status(image: str | None) -> CheckStatus:
    return Posture().check([pod(image)]).results[0].status


class PostureTest(HostTest):
    def test_an_image_passes_with_a_digest_or_a_tag_other_than_latest(self) -> None:
        for image in ("nginx:1.27", "registry.example:5000/team/app:1", "nginx@sha256:" + "0a" * 32):
            self.assertEqual(status(image), CheckStatus.PASS, image)

    def test_an_image_fails_without_a_tag_and_with_the_tag_latest(self) -> None:
        for image in ("nginx", "nginx:latest", "registry.example:5000/team/app", "nginx:"):
            self.assertEqual(status(image), CheckStatus.FAIL, image)

    def test_a_failure_says_where_and_shows_every_image_that_fails(self) -> None:
        [result] = Posture().check([pod("nginx:1", "redis", "app:latest")]).results
        self.assertEqual(result.location, "/spec/containers/1/image")
        self.assertEqual(
            json.loads(result.evidence),
            {
                "images": [
                    {"location": "/spec/containers/1/image", "image": "redis"},
                    {"location": "/spec/containers/2/image", "image": "app:latest"},
                ]
            },
        )

    def test_init_containers_of_templates_are_looked_at(self) -> None:
        template = {"spec": {"initContainers": [{"image": "busybox"}], "containers": [{"image": "nginx:1"}]}}
        cron_job = resource("batch/v1/CronJob", {"spec": {"jobTemplate": {"spec": {"template": template}}}})
        [result] = Posture().check([cron_job]).results
        self.assertEqual(result.location, "/spec/jobTemplate/spec/template/spec/initContainers/0/image")

    def test_a_container_without_an_image_is_a_check_that_could_not_be_done(self) -> None:
        self.assertEqual(status(None), CheckStatus.ERROR)

    def test_what_starts_no_pods_is_left_out_and_what_is_no_object_is_a_problem(self) -> None:
        bodies = (b"{", b"3", b"\xff", b"[" * 100_000, b'{"a": NaN}', b'{"a": "\\ud800"}')
        broken = [AssetResource("a", "v1/Pod", body) for body in bodies]
        assessment = Posture().check([resource("v1/Service", {}), *broken])
        self.assertEqual(assessment.results, [])
        self.assertEqual([problem.item for problem in assessment.problems], [1, 2, 3, 4, 5, 6])
