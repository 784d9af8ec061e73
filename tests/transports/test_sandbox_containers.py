"""Containers are recognised by their command, and what lets one out is said."""

import pytest

from keepgate.transports.sandbox.containers import complaints, is_container


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker run -i --rm image", []),
        ("docker run -i --rm -v /home/ann/notes:/notes:ro -e TOKEN image --privileged", []),
        ("podman run --rm -i --network none image", []),
        ("docker run --privileged image", ["privileged"]),
        ("docker run --privileged=false image", []),
        ("docker container run --privileged image", ["privileged"]),
        ("docker run --network host image", ["network"]),
        ("docker run --net=host image", ["network"]),
        ("docker run --pid=host --ipc host image", ["`pid`", "`ipc`"]),
        ("docker run -v /:/host image", ["`/` of this machine"]),
        ("docker run -v/:/host image", ["`/` of this machine"]),
        ("docker run -v /home/ann/:/h image", ["`/home/ann`"]),
        ("docker run --volume=/var/run/docker.sock:/d image", ["command the machine"]),
        (
            "docker run --mount type=bind,source=/run/podman/podman.sock,target=/d image",
            ["command the machine"],
        ),
        ("docker run --mount type=bind,src=/etc,dst=/e image", ["`/etc`"]),
        ("docker run -v cache:/c image", []),
        ("docker run --cap-add SYS_ADMIN image", ["`SYS_ADMIN`"]),
        ("docker run --device /dev/mem:/dev/mem image", ["`/dev/mem`"]),
        ("docker run --security-opt seccomp=unconfined image", ["confines"]),
        ("docker run -e A=--privileged image", []),
        ("docker run", []),
    ],
)
def test_what_lets_a_container_out(command, expected):
    words = command.split()
    assert is_container(words)
    found = complaints(words, "/home/ann")
    assert len(found) == len(expected)
    assert all(part in text for part, text in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    "command", ["docker", "docker ps", "docker exec -i c run", "node run", "podman images", "run"]
)
def test_what_is_no_container(command):
    assert not is_container(command.split())
