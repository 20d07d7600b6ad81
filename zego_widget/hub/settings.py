"""What can be set about a hub."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Addresses and times of one hub; all times are seconds.

    `port` and `media_port` 0 let the system choose. `idle_timeout` counts for hubs that a kernel started;
    one started with `zego-widget serve` runs until it is stopped. `media_host` "" is `host`; `public_addresses` are
    told to browsers instead of it, as `address` or `address:port`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    media_host: str = ""
    media_port: int = 0
    public_addresses: tuple[str, ...] = ()
    idle_timeout: float = 60.0
    heartbeat_interval: float = 5.0
    heartbeat_timeout: float = 15.0
    peer_timeout: float = 8.0
    connect_timeout: float = 15.0
    handshake_timeout: float = 10.0
