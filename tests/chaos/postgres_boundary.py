"""The boundary before PostgreSQL: a proxy that has the server's certificate, and reads along what passes.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
from collections.abc import Iterator

from local.postgres import PostgresServer
from tests.chaos.connections import Connections, reset
from tests.chaos.faults import SQLSTATES, Crossing, Cut, Surroundings

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104
_LARGEST = 65536
# Seconds in which a peer is to take what it is sent, and in which a server that was killed is to be up again.
_PATIENCE = 30


class PostgresBoundary(Connections):
    """Answers at `port` as the server does, and strikes."""

    def __init__(self, server: PostgresServer, surroundings: Surroundings) -> None:
        super().__init__("postgres")
        self._server = server
        self._surroundings = surroundings
        directory = server.ca_file.parent
        # The server's own: SCRAM binds a login to the certificate that the client saw.
        self._inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inside.load_cert_chain(directory / "server.pem", directory / "server.key")
        self._outside = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._outside.load_verify_locations(server.ca_file)

    def serve(self, client: socket.socket) -> None:
        crossing = self._surroundings.crossings.begin("connect")
        inside = self._accept_tls(client)
        try:
            self._surroundings.strike(crossing, "before")
            with self._connect() as outside:
                _Session(inside, outside, self._surroundings).talk(crossing)
        except Cut:
            reset(inside)
        finally:
            inside.close()

    def _accept_tls(self, client: socket.socket) -> ssl.SSLSocket:
        client.settimeout(_PATIENCE)
        while (code := struct.unpack("!ii", _exactly(client, 8))[1]) == _GSS_REQUEST:
            client.sendall(b"N")
        if code != _SSL_REQUEST:
            raise ConnectionError("The function asks for a connection without TLS.")
        client.sendall(b"S")
        return self._inside.wrap_socket(client, server_side=True)

    def _connect(self) -> ssl.SSLSocket:
        server = socket.create_connection(("127.0.0.1", self._server.port), timeout=_PATIENCE)
        try:
            server.sendall(struct.pack("!ii", 8, _SSL_REQUEST))
            _exactly(server, 1)
            return self._outside.wrap_socket(server, server_hostname=self._server.hostname)
        except BaseException:
            server.close()
            raise


class _Session:
    """One connection, from its start to its end. A client sends a request, waits for all of its answer, and goes on."""

    def __init__(self, client: ssl.SSLSocket, server: ssl.SSLSocket, surroundings: Surroundings) -> None:
        self._client = client
        self._server = server
        self._surroundings = surroundings
        self._from_client = bytearray()
        self._from_server = bytearray()
        # What is held back until it is complete.
        self._request = b""
        self._answer = b""
        self._statement = ""
        self._prepared: dict[str, str] = {}
        self._crossing: Crossing | None = None

    def talk(self, connecting: Crossing) -> None:
        """Until one of both ends it, or a fault does. Raises Cut."""
        self._crossing = connecting
        [size] = struct.unpack("!i", head := _exactly(self._client, 4))
        self._server.sendall(head + _exactly(self._client, size - 4))
        with selectors.DefaultSelector() as selector:
            for side in (self._client, self._server):
                selector.register(side, selectors.EVENT_READ)
            while True:
                if not any(side.pending() for side in (self._client, self._server)):
                    selector.select()
                # The server first: what it says of its end is to reach the client.
                if self._take(self._server, self._from_server):
                    self._client.sendall(self._answer + self._from_server)
                    return
                for kind, message in _messages(self._from_server):
                    self._on_answer(kind, message)
                if self._take(self._client, self._from_client):
                    return
                for kind, message in _messages(self._from_client):
                    self._on_request(kind, message)

    @staticmethod
    def _take(side: ssl.SSLSocket, into: bytearray) -> bool:
        """Whether this side has ended the connection; what it sent is taken."""
        side.settimeout(0)
        try:
            data = side.recv(_LARGEST)
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        except OSError:
            return True
        finally:
            side.settimeout(_PATIENCE)
        into += data
        return not data

    def _on_request(self, kind: bytes, message: bytes) -> None:
        match kind:
            case b"Q":
                self._statement = message[5:-1].decode()
            case b"P":
                name, self._statement, *_ = _texts(message)
                self._prepared[name] = self._statement
            case b"B":
                self._statement = self._prepared[_texts(message)[1]]
            case b"d":
                self._surroundings.strike(self._surroundings.crossings.begin("copy"), "before")
        self._request += message
        if kind in b"PBDE":
            return
        if kind == b"Q" or self._request[:1] in b"PB":
            self._begin_statement()
        self._server.sendall(self._request)
        self._request = b""

    def _begin_statement(self) -> None:
        is_commit = self._statement.strip().lower() == "commit"
        names = ("statement", "commit") if is_commit else ("statement",)
        self._crossing = self._surroundings.crossings.begin(*names)
        sqlstate = self._surroundings.strike(self._crossing, "before")
        if sqlstate:
            assert sqlstate in SQLSTATES
            # In the place of what was asked: so the server itself fails, and its transaction with it. One that fails at
            # its commit is over.
            begin = "rollback; " if is_commit else ""
            failure = f"{begin}do $$begin raise exception 'made to fail' using errcode = '{sqlstate}'; end$$"
            self._request = _message(b"Q", failure.encode() + b"\0")

    def _on_answer(self, kind: bytes, message: bytes) -> None:
        self._answer += message
        # A request for a password, a readiness for the next statement, or for the rows of a COPY.
        if kind not in b"RZG":
            return
        if kind in b"ZG" and self._crossing:
            crossing, self._crossing = self._crossing, None
            self._surroundings.strike(crossing, "after")
        self._client.sendall(self._answer)
        self._answer = b""


def _exactly(side: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = side.recv(size - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data


def _messages(buffer: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """The kind and all of each message that is complete; they are taken out of the buffer."""
    while len(buffer) >= 5 and len(buffer) > (size := struct.unpack_from("!i", buffer, 1)[0]):
        message = bytes(buffer[: size + 1])
        del buffer[: size + 1]
        yield message[:1], message


def _message(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("!i", 4 + len(content)) + content


def _texts(message: bytes) -> list[str]:
    """The two texts that a Parse (name, statement) or a Bind (portal, name) begins with."""
    return [text.decode() for text in message[5:].split(b"\0", 2)[:2]]
