"""A full disk, too little memory or a port in use is said before anything is started."""

import socket
from pathlib import Path

import pytest
from starting import one_line, start

from app import preflight
from app.settings import SourceSettings
from orders.errors import StartError


async def test_disk_full(data: Path) -> None:
    said = one_line(await start(data, "port = 0\nmin_free_mb = 1000000000"))
    assert said.startswith("disk full: ")
    assert said.endswith(f"MB free at {data}, 1000000000 MB needed; free some space or use another --data DIR\n")
    assert not (data / "postgres").exists()


async def test_too_little_memory_for_java(data: Path) -> None:
    said = one_line(await start(data, "port = 0\njava_heap_mb = 1000000000"))
    assert said.startswith("too little memory: ")
    assert said.endswith("needs 1000000150 MB; close other programs or lower java_heap_mb (1000000000)\n")


def test_a_container_counts_with_its_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("200000000\n")
    (tmp_path / "memory.current").write_text("50000000\n")
    monkeypatch.setattr(preflight, "_CGROUP", tmp_path)
    with pytest.raises(StartError, match="too little memory: 150 MB"):
        preflight.check_memory(128)
    (tmp_path / "memory.max").write_text("max\n")
    preflight.check_memory(1)


def test_each_kind_of_database_has_a_java_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "memory.max").write_text("400000000\n")
    (tmp_path / "memory.current").write_text("0\n")
    monkeypatch.setattr(preflight, "_CGROUP", tmp_path)
    sources = [SourceSettings(scheme, "any", f"{scheme}://h/d") for scheme in ("postgresql", "postgres", "mariadb")]
    preflight.check_memory(100, preflight.machines(sources[:2]))
    with pytest.raises(StartError, match=r"too little memory: 400 MB .* needs 500 MB"):
        preflight.check_memory(100, preflight.machines(sources))


async def test_port_in_use(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = one_line(await start(data, f"port = {port}"))
    assert said.startswith(f"port {port} on 127.0.0.1 is in use")
    assert said.endswith(": stop that, or use another --port\n")


async def test_host_of_another_machine(data: Path) -> None:
    said = one_line(await start(data, 'host = "192.0.2.1"'))
    assert said.startswith("cannot listen on 192.0.2.1 port 8000 (Cannot assign requested address): use another host")
