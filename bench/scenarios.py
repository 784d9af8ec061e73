"""What is called, how large, how often at once."""

from dataclasses import dataclass

MODERN = "2026-07-28"
HANDSHAKE = "2025-11-25"


@dataclass(frozen=True)
class Scenario:
    """One way of calling, measured for every contender in the same rounds."""

    name: str
    title: str
    size: int = 200
    """Bytes of text in each call, and in each reply."""
    connections: int = 8
    revision: str = MODERN
    tls: bool = False
    stdio: bool = False
    """The server is a program behind a pipe; contenders that cannot start one reach it over HTTP."""
    events: int = 0
    """Each reply is a stream of so many events."""
    longer: int = 1
    """A run takes so many times as long as others: few calls complete in a second."""
    denied: bool = False
    """The caller may not use the tool."""

    @property
    def handshake(self) -> bool:
        return self.revision == HANDSHAKE

    @property
    def tool(self) -> str:
        return "erase" if self.denied else "echo"


SCENARIOS = {
    s.name: s
    for s in (
        Scenario("S1", "200 B, 64 connections", connections=64),
        Scenario("S1c8", "200 B, 8 connections"),
        Scenario("S2", "200 B, one call at a time", connections=1),
        Scenario("S2h", "200 B, one call at a time, 2025-11-25", connections=1, revision=HANDSHAKE),
        Scenario("S3", "4 KiB, 8 connections", size=4096),
        Scenario("S4", "64 KiB, 8 connections", size=65536),
        Scenario("S5", "1 MiB, 8 connections", size=1 << 20, longer=3),
        Scenario("S6", "200 B, 8 connections with sessions, 2025-11-25", revision=HANDSHAKE),
        Scenario(
            "S7",
            "200 B, 8 connections with sessions, 2025-11-25, to a server over stdio",
            revision=HANDSHAKE,
            stdio=True,
        ),
        Scenario("S7m", "200 B, 8 connections, to a server over stdio", stdio=True),
        Scenario("S8", "200 B, 64 connections, TLS", connections=64, tls=True),
        Scenario("S9", "denied calls, 200 B, 64 connections", connections=64, denied=True),
        Scenario("S10", "replies of 100 events, 8 connections", events=100),
    )
}
