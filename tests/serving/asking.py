# SPDX-License-Identifier: BSD-3-Clause
"""Requests as they are, without a library that would tidy them."""

import json
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

FILE, JSON = "application/octet-stream", "application/json"


@dataclass
class Reply:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def ask(serving, path, body=None, kind=None, method=None, token=True, **headers):
    """One request on a connection of its own."""
    connection = HTTPConnection(urlsplit(serving.url).netloc, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        sent.setdefault("Authorization", f"Bearer {serving.token}")
    if kind:
        sent["Content-Type"] = kind
    if isinstance(body, (dict, list)):
        body, sent["Content-Type"] = json.dumps(body).encode(), kind or JSON
    try:
        connection.request(method or ("GET" if body is None else "POST"), path, body, sent)
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def is_problem(reply, status, field=None):
    """Whether a reply is an error that names the field and tells nothing of the inside."""
    value = reply.json
    assert reply.status == status == value["status"], (reply.status, value)
    assert reply.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= set(value)
    assert "Traceback" not in value["detail"]
    assert ".py" not in value["detail"]
    if field is not None:
        assert value["field"] == field
    return True


def plug(serving):
    """A bare connection."""
    place = urlsplit(serving.url)
    return socket.create_connection((place.hostname, place.port), timeout=20)


def head(serving, path="/predict", method="POST", **headers):
    """The head of a request up to its empty line."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {serving.token}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_on(connection):
    """The reply on a bare connection; None when it was closed without one."""
    response = HTTPResponse(connection)
    try:
        response.begin()
        return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
    except (OSError, ValueError, EOFError):
        return None
    except Exception as error:  # http.client's own for a closed connection
        if "RemoteDisconnected" in type(error).__name__ or "BadStatusLine" in type(error).__name__:
            return None
        raise
