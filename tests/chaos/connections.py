"""What both boundaries are: a server on a port of its own, with a thread for each connection."""

from __future__ import annotations

import socket
import struct
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Self

_HANG_UP = struct.pack("ii", 1, 0)


class Connections(ABC):
    """Serves connections, from a context's begin to its end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._open: set[threading.Thread] = set()
        self._changing = threading.Lock()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name=self._name, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing it would not wake the thread that waits for the next one.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self.wait_until_quiet()

    @abstractmethod
    def serve(self, client: socket.socket) -> None:
        """All of one connection; whoever calls it closes it."""

    def wait_until_quiet(self) -> None:
        """Until all connections have ended, as they do after the containers that opened them."""
        with self._changing:
            threads = list(self._open)
        for thread in threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=[client], name=self._name, daemon=True)
            with self._changing:
                self._open.add(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            # A peer that is gone is none of our faults.
            with client, suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.serve(client)
        finally:
            with self._changing:
                self._open.remove(threading.current_thread())


def reset(connection: socket.socket) -> None:
    """Ends it as a peer does that is gone: without a word."""
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HANG_UP)
