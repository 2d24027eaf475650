"""A server on this machine that misbehaves as told, and a published model that it serves."""

import contextlib
import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from affectsk.pretrained import find_published


class Handler(BaseHTTPRequestHandler):
    """Serves one file, each request in the way that is next in the server's script."""

    def do_GET(self):
        server, asked = self.server, self.headers.get("Range")
        server.ranges.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        play = server.script.pop(0) if server.script else "fine"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"play_{play}")(server.content, start)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def begin(self, content, start):
        """Answer with the headers of a whole file, or of the part that was asked for."""
        length = len(content) - start
        if start >= len(content):
            self.head(416, Content_Range=f"bytes */{len(content)}")
        elif start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.head(206, Content_Length=length, Content_Range=span)
        else:
            self.head(200, Content_Length=length)
        return content[start:]

    def play_fine(self, content, start):
        self.wfile.write(self.begin(content, start))

    def play_slow(self, content, start):
        rest = self.begin(content, start)
        for i in range(0, len(rest), 50_000):
            self.wfile.write(rest[i : i + 50_000])
            time.sleep(0.05)

    def play_broken(self, content, start):
        rest = self.begin(content, start)
        self.wfile.write(rest[: len(rest) // 2])

    def play_stalled(self, content, start):
        self.play_broken(content, start)
        self.wfile.flush()
        self.server.released.wait(20)

    def play_ignoring(self, content, start):
        self.play_fine(content, 0)

    def play_unmeasured(self, content, start):
        self.head(200)
        self.wfile.write(content)

    def play_silent(self, content, start):
        pass

    def play_truncated(self, content, start):
        self.head(200)
        self.wfile.write(content[:1000])

    def play_moved(self, content, start):
        self.head(302, Location=self.server.address)

    def play_other_part(self, content, start):
        self.head(206, Content_Length=3, Content_Range=f"bytes 1-3/{len(content)}")
        self.wfile.write(content[1:4])

    def play_tampered(self, content, start):
        self.play_fine(content[:-1] + bytes([content[-1] ^ 1]), start)

    def play_missing(self, content, start):
        self.head(404)

    def play_busy(self, content, start):
        self.head(503)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    """Serves `content`; plays `script`, then behaves; notes the ranges asked for."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.script, self.ranges = content, [], []
        self.released = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_address[1]}/model.onnx"


@pytest.fixture
def server(monkeypatch):
    """Return a server of a file of 400,000 bytes."""
    content = np.random.default_rng(0).bytes(400_000)
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return a folder for the cache, which is empty."""
    monkeypatch.setenv("AFFECTSK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def model(server, home, monkeypatch):
    """Return the only published model, which the server has; no pause before a retry."""
    content = server.content
    sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    row = find_published("enet_b2_7")._replace(address=server.address, git_sha1=sha1)
    unknown = find_published("mobilenet_7")._replace(name="unknown", file="unknown.onnx")
    monkeypatch.setattr("affectsk.pretrained._registry._MODELS", (row, unknown))
    monkeypatch.setattr("affectsk.pretrained._download._BACKOFF", 0.0)
    return row
