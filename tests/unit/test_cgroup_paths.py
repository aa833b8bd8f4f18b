"""Finding a container's cgroup: every layout, never a template."""

from pathlib import Path

import pytest

from mcptop.sources import cgroup_paths as paths

ID = "0123456789abcdef" * 4
V2 = "36 25 0:32 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = (
    "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    "33 25 0:29 / /data rw - ext4 /dev/sda rw\n"
)


@pytest.mark.parametrize(
    "path",
    [
        f"/docker/{ID}",
        f"/system.slice/docker-{ID}.scope",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope",
        f"/machine.slice/libpod-{ID}.scope/container",
        f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-{ID}.scope",
        f"/my-parent/{ID}/init.scope",
        f"/../{ID}",
    ],
)
def test_the_container_id_is_found_in_every_layout(path: str) -> None:
    assert paths.container_id(path) == ID


@pytest.mark.parametrize("path", ["/", "/user.slice", "/system.slice/docker.service", f"/docker/{ID[:-1]}", f"/x{ID}y"])
def test_other_cgroups_carry_no_container(path: str) -> None:
    assert paths.container_id(path) is None


def test_hierarchies_are_found_in_the_mount_table() -> None:
    assert paths.parse_mounts(V2) == {"": ("/sys/fs/cgroup", "/")}
    hybrid = paths.parse_mounts(HYBRID)
    assert set(hybrid) >= {"memory", "cpu", "cpuacct", ""}
    assert hybrid["cpuacct"].point == "/sys/fs/cgroup/cpu,cpuacct"


def test_another_sysfs_replaces_the_recorded_one_but_not_a_mounted_one() -> None:
    assert paths.parse_mounts(V2, "/recorded/sys")[""].point == "/recorded/sys/fs/cgroup"
    mounted = V2.replace("/sys/fs/cgroup", "/host/sys/fs/cgroup")
    assert paths.parse_mounts(mounted, "/host/sys")[""].point == "/host/sys/fs/cgroup"


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/", f"/docker/{ID}", f"docker/{ID}"),
        ("/", f"/docker/{ID}/init.scope", f"docker/{ID}"),
        ("/docker", f"/docker/{ID}", ID),
        ("/..", f"/../{ID}", ID),
    ],
)
def test_the_directory_is_the_containers_own(tmp_path: Path, root: str, path: str, expected: str) -> None:
    (tmp_path / expected).mkdir(parents=True)
    found = paths.directories({"": path}, {"": paths.Mount(str(tmp_path), root)}, ID)
    assert found == {"": f"{tmp_path}/{expected}"}


def test_a_hierarchy_without_the_directory_is_left_out(tmp_path: Path) -> None:
    assert paths.directories({"": f"/docker/{ID}"}, {"": paths.Mount(str(tmp_path), "/")}, ID) == {}


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/system.slice/nginx.service", "nginx"),
        ("/user.slice/user-1.slice/user@1.service/app.slice/sync.service", "sync"),
        ("/user.slice/user-1.slice/session-2.scope", None),
        ("/user.slice/user-1.slice/user@1.service/init.scope", None),
        ("/batch/nightly", "nightly"),
        ("/", None),
    ],
)
def test_units_and_named_cgroups(path: str, unit: str | None) -> None:
    assert paths.unit_of({"": path}) == unit


def test_membership_of_all_versions() -> None:
    text = "4:cpu,cpuacct:/docker/x\n1:name=systemd:/a:b\n0::/c\nbroken\n"
    assert paths.parse_membership(text) == {
        "cpu": "/docker/x",
        "cpuacct": "/docker/x",
        "name=systemd": "/a:b",
        "": "/c",
    }
