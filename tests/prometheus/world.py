"""One Prometheus for all tests of the fleet, for it takes seconds to begin: pages of fleets, told apart by `env`.

main      web1 with two replicas of a quarter core, web2 with one of half a core
twice     web1 once more, by another job
ages      two machines, one of which a test stops
docker    a cAdvisor with containers of Compose and Swarm, and without labels
both      a machine with an exporter and a cAdvisor
pods      a kubelet
hostile   an exporter that means no good
(none)    series of others
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from . import pages
from .pages import MIB, Page, docker, pod
from .server import Prometheus, Scrape

FOREIGN = 20_000
IDS = [f"{number:064x}" for number in range(1, 12)]
_COMPOSE = "com_docker_compose_service"


def of(env: str) -> str:
    """A matcher for `match`."""
    return f'env="{env}"'


class World:
    """A context manager."""

    def __init__(self) -> None:
        self.web1 = pages.exporter("web1", replicas=2)
        self.web2 = pages.exporter("web2", cores=0.5)
        self.good, self.bad = (pages.exporter(name, services=(name,)) for name in ("good", "bad"))
        self.hostile = Page(pages.hostile)
        self.docker = pages.cadvisor(
            (docker("shop-db-1", IDS[0], **{_COMPOSE: "db", "com_docker_compose_project": "shop"}), 0.75, 512 * MIB),
            (
                docker("st_web.1.x", IDS[1], com_docker_swarm_service_name="st_web", com_docker_stack_namespace="st"),
                0.5,
                0,
            ),
            (docker("alone", IDS[2]), 0.25, 0),
        )
        both = pages.exporter("both1", services=("seen",), ids=IDS[3])
        beside = pages.cadvisor(
            (docker("shop-seen-1", IDS[3]), 0.25, 0), (docker("unseen", IDS[4]), 1.5, 0),
        )  # fmt: skip
        kubelet = pages.cadvisor(
            (pod("prod", "api-7d4b9c6f5d-x2x4z", "api", IDS[5]), 0.25, 64 * MIB),
            (pod("prod", "api-7d4b9c6f5d-bb9cz", "api", IDS[6]), 0.25, 64 * MIB),
            (pod("prod", "db-0", "postgres", IDS[7]), 0.5, 0),
            (pod("prod", "agent-x2x4z", "agent", IDS[8]), 0.1, 0),
        )
        self._pages = [
            ("main", self.web1), ("main", self.web2), ("twice", self.web1), ("ages", self.good), ("ages", self.bad),
            ("docker", self.docker), ("both", both), ("both", beside), ("pods", kubelet), ("hostile", self.hostile),
            ("", pages.foreign(FOREIGN)),
        ]  # fmt: skip
        self._ends = ExitStack()

    def __enter__(self) -> World:
        with self._ends as ends:
            for page in {id(page): page for _, page in self._pages}.values():
                ends.enter_context(page)
            scrapes = [
                Scrape(page.address, f"job{number}", {"env": env} if env else {})
                for number, (env, page) in enumerate(self._pages)
            ]
            self.server = ends.enter_context(Prometheus(scrapes))
            self.server.until_up(40)
            while any(page.scrapes < 5 for _, page in self._pages):
                time.sleep(0.05)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    @property
    def url(self) -> str:
        """Of its Prometheus."""
        return self.server.url
