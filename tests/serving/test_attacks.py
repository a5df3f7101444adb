# SPDX-License-Identifier: BSD-3-Clause
"""What an attacker sends: every answer is a 4xx that says why, and the next request is served.

    make faults        or LEPTON_FAULTS=full python -m pytest tests/serving/test_attacks.py

runs the full counts: 10,000 mixed requests, and health within 0.2 s beside 50 slow clients.
"""

import gzip
import io
import itertools
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
import zlib

import psutil
import pytest

from lepton_lab.serving import start
from tests.serving.asking import FILE, JSON, answer_on, ask, head, is_problem, plug
from tests.serving.bundles import colors as make_colors
from tests.serving.bundles import picture, reseal
from tests.serving.conftest import LOW
from tests.serving.test_answers import form, text

RED = picture("red")
FULL = os.environ.get("LEPTON_FAULTS") == "full"
GROWTH = 64 << 20


@pytest.fixture(scope="module")
def full(request):
    return FULL or request.config.getoption("--faults", default=None) == "full"


@pytest.fixture(autouse=True)
def _still_answers(server):
    """After every attack the next request is served, and the memory has not grown."""
    process = psutil.Process(server._process.pid)
    ask(server, "/predict", RED, FILE)
    before = process.memory_info().rss
    yield
    assert ask(server, "/predict", RED, FILE).json["prediction"]["top"][0][0] == "red"
    assert process.memory_info().rss - before < GROWTH


def bomb(width, height):
    """A small PNG that declares many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


# --- bodies


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(server):
    with plug(server) as connection:
        connection.sendall(head(server, Content_Type=FILE, Content_Length=300 << 20))
        assert is_problem(answer_on(connection), 413, "body")


def test_an_endless_chunked_body_is_refused_at_the_limit(server):
    with plug(server) as connection:
        connection.sendall(head(server, Content_Type=FILE, Transfer_Encoding="chunked"))
        chunk = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
        for _ in range(40):
            connection.sendall(chunk)
        assert is_problem(answer_on(connection), 413, "body")


@pytest.mark.parametrize("length", ["-1", "1e3", "5, 5", "99999999999999999999999", "0x10"])
def test_lengths_that_lie_are_refused(server, length):
    with plug(server) as connection:
        connection.sendall(head(server, Content_Type=FILE, Content_Length=length) + b"x")
        reply = answer_on(connection)
        assert reply is None or reply.status in (400, 413)


def test_two_lengths_or_a_length_beside_chunks_are_refused(server):
    for more in ({"Transfer_Encoding": "chunked"}, {"content_length": "9"}):
        with plug(server) as connection:
            connection.sendall(head(server, Content_Type=FILE, Content_Length=4, **more) + b"0\r\n\r\n")
            reply = answer_on(connection)
            assert reply is None or reply.status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 100_000, 413),
        (b'{"input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 413),
        (json.dumps({"inputs": dict.fromkeys(map(str, range(90_000)))}).encode(), 413),
        (b'{"inputs": [' + b'"",' * 60_000 + b'""]}', 413),
        (json.dumps({"inputs": [text(RED)] * 65}).encode(), 413),
        (b'"' + b'\\"' * 500_000, 400),
        (b'{"input": NaN}', 400),
        (b'{"input": -Infinity}', 400),
        (b'{"input": 1e999}', 400),
        (b'{"input": ' + b"9" * 5000 + b"}", 400),
        (b'{"input": 1, "input": 2}', 400),
        (b"\xff\xfe{}", 400),
        (b"", 400),
        (b'{"input": "\\ud800"}', 422),
        (b'{"input": null}', 422),
    ],
)
def test_json_bombs(server, body, status):
    began = time.monotonic()
    assert is_problem(ask(server, "/predict", body, JSON), status)
    assert ask(server, "/v2/models/colors/infer", body, JSON).status in (status, 422)
    assert time.monotonic() - began < 20


def test_forms_with_too_many_parts_or_damage(server):
    many, kind = form(*[b"x"] * 5_000)
    assert is_problem(ask(server, "/predict", many, kind), 413)
    long_head = b"--b\r\n" + b"X: " + b"y" * 50_000 + b"\r\n\r\n\r\n--b--\r\n"
    for body in (b"", b"--b", b"--b\r\n\r\nx", b"garbage", long_head, many[: len(many) // 2]):
        assert ask(server, "/predict", body, "multipart/form-data; boundary=b").status in (400, 413)
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", f"multipart/form-data; boundary={'b' * 300}"):
        assert is_problem(ask(server, "/predict", many, kind), 400)
    assert is_problem(ask(server, "/predict", b"--b--\r\n", "multipart/form-data; boundary=b"), 422)


def test_compressed_bodies_are_not_unpacked(server):
    packed = gzip.compress(bytes(50 << 20))
    for encoding in ("gzip", "br", "deflate, gzip"):
        found = ask(server, "/predict", packed, FILE, Content_Encoding=encoding)
        assert is_problem(found, 415, "Content-Encoding")


def test_pictures_that_declare_too_many_pixels_are_refused_by_their_head(server):
    for size in ((11_000, 10_000), (1001, 1000), (2**31 - 1, 2**31 - 1)):
        found = ask(server, "/predict", bomb(*size), FILE)
        assert is_problem(found, 422, "body")
    assert ask(server, "/predict", bomb(11_000, 10_000), FILE).json["code"] == "too-large"


@pytest.mark.parametrize(
    "data",
    [b"x", b"\0" * 5_000, b"<svg/>", b"%PDF-1.4", RED[:40], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"],
)
def test_what_is_no_picture_is_refused(server, data):
    assert is_problem(ask(server, "/predict", data, FILE), 422, "body")


@pytest.mark.parametrize(
    "kind",
    ["", "text/html", "application/x-pickle", "application/vnd.bentoml+pickle", "application/octet-stream+pickle", "a" * 5000, "application/json\x0bx"],
)
def test_other_content_types_are_refused(server, kind):
    with plug(server) as connection:
        connection.sendall(head(server, Content_Type=kind, Content_Length=4) + b"\x80\x04N.")
        assert answer_on(connection).status in (400, 415)


# --- who asks


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer x", "Basic TOKEN", "bearer", "TOKEN", "Bearer TOKENx", "Bearer TOKE", "Bearer tøken", "Bearer " + "x" * 9000],
)
def test_nothing_but_health_and_the_page_answers_without_the_token(server, given):
    headers = {} if given is None else {"Authorization": given.replace("TOKEN", server.token).replace("TOKE", server.token[:-1]).encode("utf-8").decode("latin-1")}
    for path in ("/predict", "/readyz", "/metrics", "/openapi.json", "/v2", "/v2/models/colors", "/docs", "/info", "/x"):
        found = ask(server, path, token=False, **headers)
        assert is_problem(found, 401, "Authorization")
        assert found.headers["www-authenticate"].startswith("Bearer")
    assert is_problem(ask(server, "/predict", RED, FILE, token=False, **headers), 401)
    assert is_problem(ask(server, f"/readyz?token={server.token}", token=False), 401)
    assert ask(server, "/healthz", token=False).json == {"status": "ok"}
    assert ask(server, "/", token=False).status == 200


def test_every_route_but_two_asks_for_the_token(colors):
    """The routes are read from the application, so that a new one cannot be forgotten."""
    from lepton_lab.runtime.predictor import Predictor
    from lepton_lab.runtime.server.app import build
    from lepton_lab.runtime.server.guard import OPEN
    from lepton_lab.runtime.server.settings import Settings

    app = build(Predictor(colors), Settings(token="t" * 20))
    paths = {route.path for route in app.routes.routes}
    assert len(paths) >= 12
    assert OPEN == {"/", "/healthz"} <= paths


def test_two_tokens_are_no_token(server):
    with plug(server) as connection:
        connection.sendall(head(server, "/readyz", "GET", authorization="Bearer x"))
        assert is_problem(answer_on(connection), 401)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "a@localhost", "localhost@evil", "", "[::1", "localhost:0", "LOCALHOST.", "127.1"])
def test_other_host_names_are_refused(server, host):
    for path in ("/readyz", "/healthz", "/"):
        assert is_problem(ask(server, path, Host=host), 421, "Host")


def test_its_own_names_are_served(server):
    for host in ("LOCALHOST", "127.0.0.1:1", "[::1]:8000"):
        assert ask(server, "/readyz", Host=host).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1:1"])
def test_pages_of_other_origins_are_refused(server, origin):
    assert is_problem(ask(server, "/predict", RED, FILE, Origin=origin), 403, "Origin")
    reply = ask(server, "/predict", method="OPTIONS", Origin=origin, Access_Control_Request_Method="POST")
    assert "access-control-allow-origin" not in reply.headers
    assert ask(server, "/readyz", Origin=server.url).status == 200


def test_methods_are_those_of_the_route(server):
    for method, path in itertools.product(("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"), ("/predict", "/healthz", "/v2")):
        assert ask(server, path, method=method, token=True).status in (400, 404, 405)
    assert is_problem(ask(server, "/predict"), 405)
    assert ask(server, "/predict").headers["allow"] == "POST"


def test_paths_lead_nowhere(server):
    steps = ("../", "..%2f", "%2e%2e/", "..\\", "....//", "%00", "file:///", "//", "%252e%252e/", ".%2e/", "#", "C:\\")
    for step in steps:
        for base in ("/", "/v2/models/", "/v2/models/colors/", "/predict/", "/healthz/"):
            for target in ("etc/passwd", "manifest.json", "serve.py", "model.onnx"):
                with plug(server) as connection:
                    connection.sendall(head(server, f"{base}{step * 2}{target}", "GET", Connection="close"))
                    reply = answer_on(connection)
                assert reply.status in (200, 400, 404, 405), (base, step, reply.status)
                if reply.status == 200:  # '#...' is no part of an address
                    assert b"format_version" not in reply.body
                    assert b"root:" not in reply.body


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA: b\x00c\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused(server, raw):
    with plug(server) as connection:
        connection.sendall(raw)
        reply = answer_on(connection)
        assert reply is None or 400 <= reply.status < 500


def test_a_head_is_small(server):
    for line in (b"X: " + b"y" * 40_000, b"".join(b"X%d: y\r\n" % i for i in range(3_000))):
        with plug(server) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + line)
            reply = answer_on(connection)
            assert reply is None or is_problem(reply, 431)


# --- time


def wait_closed(connections, seconds):
    """Seconds until each was closed by the other side."""
    began, closed = time.monotonic(), []
    for connection in connections:
        connection.settimeout(max(seconds - (time.monotonic() - began), 0.01))
        try:
            while connection.recv(1 << 16):
                continue
        except ConnectionError:
            pass
        closed.append(time.monotonic() - began)
    return closed


def test_slow_clients_are_cut_off_and_health_is_quick_meanwhile(server, full):
    """Heads, bodies and nothing at all, byte by byte; who is cut off comes back at once."""
    slow = [plug(server) for _ in range(50)]
    opening = (b"GET / HTTP/1.1\r\n", head(server, Content_Type=FILE, Content_Length=1000), b"", b"\r\n\r\n")
    over, stop, cut = threading.Event(), threading.Event(), itertools.count()

    def dribble():
        for connection, data in zip(slow, itertools.cycle(opening)):
            connection.sendall(data)
        while not stop.wait(0.1):
            for number, data in zip(range(len(slow)), itertools.cycle(opening)):
                try:
                    slow[number].send(b"x" if data.strip() else b"\r\n")
                except OSError:
                    if not over.is_set():
                        next(cut)
                        slow[number].close()
                        slow[number] = plug(server)
                        slow[number].sendall(data)

    thread = threading.Thread(target=dribble)
    thread.start()
    times = []
    until = time.monotonic() + (30 if full else LOW["request_seconds"] * 2)
    while time.monotonic() < until:
        began = time.monotonic()
        assert ask(server, "/healthz").status == 200
        times.append(time.monotonic() - began)
        time.sleep(0.02)
    over.set()
    time.sleep(0.2)
    closed = wait_closed(slow, 10)
    stop.set()
    thread.join()
    for connection in slow:
        connection.close()
    p95 = sorted(times)[int(len(times) * 0.95)]
    sys.stdout.write(f"health p95 {p95 * 1000:.0f} ms over {len(times)}, {next(cut)} cut off, the last after {max(closed):.1f} s\n")
    assert max(closed) < LOW["request_seconds"] + 5
    assert p95 < (0.2 if full else 2.0)


def test_a_slow_body_is_told_why(server):
    with plug(server) as connection:
        connection.sendall(head(server, Content_Type=FILE, Content_Length=1000) + b"x")
        assert is_problem(answer_on(connection), 408, "body")


def deaf(serving):
    """A connection whose buffer is full at once."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, port = serving.url.removeprefix("http://").split(":")
    connection.connect((host, int(port)))
    return connection


def test_who_asks_on_and_on_without_reading_is_cut_off(server):
    with deaf(server) as connection:
        connection.settimeout(10)
        request = head(server, "/openapi.json", "GET")
        with pytest.raises(ConnectionError):
            while True:
                connection.send(request)


def test_who_never_reads_a_long_answer_is_cut_off(tmp_path):
    folder = make_colors(tmp_path / "colors.lepton")
    labels = [f"{color} {'x' * 100_000}" for color in ("red", "green", "blue")]
    reseal(folder, labels=labels)
    with start(folder, request_seconds=0.5) as serving, deaf(serving) as connection:
        process = psutil.Process(serving._process.pid)
        connection.sendall(head(serving, "/openapi.json", "GET"))
        time.sleep(0.3)
        assert len(process.net_connections()) == 2
        until = time.monotonic() + 15
        while len(process.net_connections()) == 2:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_more_connections_than_there_may_be(server):
    many = [plug(server) for _ in range(LOW["max_connections"] + 40)]
    try:
        assert ask(server, "/predict", RED, FILE).status == 200
        assert len(psutil.Process(server._process.pid).net_connections()) <= LOW["max_connections"] + 3
    finally:
        for connection in many:
            connection.close()


# --- faults of the model


def test_an_input_that_the_model_fails_on_spoils_no_other(row_server):
    replies = {}

    def one(x):
        replies[x] = ask(row_server, "/predict", {"input": {"x": x, "y": 1}})

    threads = [threading.Thread(target=one, args=(x,)) for x in (2, 3, 50, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert is_problem(replies.pop(50), 500)
    assert {reply.json["prediction"]["top"][0][0] for reply in replies.values()} == {"x"}


def test_a_model_that_is_swapped_on_disk_changes_nothing_until_it_is_started_again(tmp_path):
    folder = make_colors(tmp_path / "colors.lepton")
    with start(folder) as serving:
        (folder / "model.onnx").write_bytes(b"another model")
        assert serving.predict(RED)["top"][0][0] == "red"
    from lepton_lab.errors import StorageError

    with pytest.raises(StorageError, match=r"model\.onnx: was changed"):
        start(folder)


# --- load


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory):
    """A picture takes about a tenth of a second."""
    return make_colors(tmp_path_factory.mktemp("slow") / "slow.lepton", work=6, name="slow")


def test_a_full_queue_says_when_to_come_back(slow_model):
    with start(slow_model, max_queue=4, max_batch=1) as serving:
        replies = []

        def one():
            replies.append(ask(serving, "/predict", RED, FILE))

        threads = [threading.Thread(target=one) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = [reply.status for reply in replies]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) >= 4
        for reply in replies:
            if reply.status == 429:
                assert is_problem(reply, 429)
                assert int(reply.headers["retry-after"]) >= 1
        assert serving.predict(RED)["top"][0][0] == "red"


def test_on_sigterm_what_was_accepted_is_answered_and_the_rest_refused(slow_model):
    with start(slow_model) as serving:
        answered, cut, refused = [], [], []
        under_way = threading.Barrier(9)

        def client():
            first = True
            while True:
                try:
                    connection = plug(serving)
                except OSError:
                    return
                with connection:
                    try:
                        connection.sendall(head(serving, Content_Type=FILE, Content_Length=len(RED)) + RED)
                        if first:
                            under_way.wait()
                            first = False
                        reply = answer_on(connection)
                    except OSError:
                        reply = None
                    if reply is None:
                        refused.append(connection)
                    elif reply.status == 200 and reply.json["prediction"]["top"][0][0] == "red":
                        answered.append(reply)
                    else:
                        cut.append(reply)

        threads = [threading.Thread(target=client) for _ in range(8)]
        for thread in threads:
            thread.start()
        under_way.wait()
        time.sleep(0.3)
        os.kill(serving._process.pid, signal.SIGTERM)
        assert serving._process.wait(60) == 0
        for thread in threads:
            thread.join(30)
        assert len(answered) >= 8  # those that were under way
        assert not cut
        assert len(refused) <= 8 * 3


def mixed(number):
    """A request of many kinds: (path, body, content type, status that it must get)."""
    several, kind = form(RED, picture("blue"))
    kinds = (
        ("/predict", RED, FILE, 200),
        ("/predict", picture("lime", (64, 48), "JPEG"), "image/jpeg", 200),
        ("/predict", several, kind, 200),
        ("/predict", {"inputs": [text(RED)] * 3}, None, 200),
        ("/predict", b"no picture %d" % number, FILE, 422),
        ("/predict", b"{" * (number % 40), JSON, 413 if number % 40 > 32 else 400),
        ("/predict", bomb(9_000, 9_000), FILE, 422),
        ("/predict", bytes((1 << 20) + 1), FILE, 413),
        ("/healthz", None, None, 200),
        ("/nowhere", None, None, 404),
    )
    return kinds[number % len(kinds)]


def test_under_a_mixed_load_nothing_is_lost(server, full):
    count, clients = (10_000, 16) if full else (240, 8)
    process = psutil.Process(server._process.pid)
    numbers, wrong, lock = iter(range(count)), [], threading.Lock()
    done = itertools.count()
    before = process.memory_info().rss

    def client():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            path, body, kind, status = mixed(number)
            try:
                found = ask(server, path, body, kind).status
            except OSError as error:
                found = repr(error)
            next(done)
            if found != status:
                wrong.append((number, path, status, found))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    growth = process.memory_info().rss - before
    sys.stdout.write(f"{count} requests in {time.monotonic() - began:.1f} s, memory {growth / (1 << 20):+.1f} MiB\n")
    assert not wrong, wrong[:10]
    assert next(done) == count
    assert growth < GROWTH


def test_nothing_secret_is_in_the_log(server):
    server._server._log.seek(0)
    said = server._server._log.read()
    assert server.token not in said
    assert "Traceback" not in said
    assert io.StringIO(said).read() == said
