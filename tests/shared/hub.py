"""A server on this machine with the endpoints of the Hugging Face hub that its client calls."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

TOKEN = "hf_test"


class Repository:
    """A repository: its commits by hash, its branches, and whether it is private."""

    def __init__(self, private: bool = False) -> None:
        self.private = private
        self.commits: dict[str, dict[str, bytes]] = {}
        self.branches: dict[str, str] = {}
        self.commit("main", {})

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        """Set the files of a branch; return the hash of the commit."""
        text = repr((len(self.commits), sorted(files.items()))).encode()
        sha = hashlib.sha1(text).hexdigest()
        self.commits[sha] = dict(files)
        self.branches[branch] = sha
        return sha

    def files(self, revision: str = "main") -> dict[str, bytes]:
        """Return the files of a revision."""
        return self.commits[self.branches.get(revision, revision)]


class Hub:
    """The repositories of a server, and how it misbehaves.

    Attributes:
        repositories: by OWNER/NAME.
        token: the token that writing requires, and reading of private repositories.
        status: answer every request with this error; None: as usual.
        sizes: sizes that the server states for files of these names, in place of the true ones.
        requests: method and path of each request.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.token: str | None = TOKEN
        self.status: int | None = None
        self.sizes: dict[str, int] = {}
        self.requests: list[str] = []
        self.uploaded: dict[str, bytes] = {}
        self.endpoint = ""

    def downloads(self) -> list[str]:
        """Return the names of the files whose content was requested."""
        return [r.rpartition("/")[2] for r in self.requests if r.startswith("GET") and "/res" in r]


class _Refused(Exception):
    """An answer with an error: status, and the code in the header X-Error-Code."""

    def __init__(self, status: int, code: str = "", message: str = "refused") -> None:
        super().__init__(status, code, message)
        self.status, self.code, self.message = status, code, message


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length)
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        headers: dict[str, str] = {}
        try:
            if self.hub.status is not None:
                raise _Refused(self.hub.status, message="out of order")
            status, content, headers = self._dispatch(path)
        except _Refused as error:
            status, content = error.status, json.dumps({"error": error.message}).encode()
            headers = {"X-Error-Code": error.code} if error.code else {}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _dispatch(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        for pattern, method in (
            (r"/api/repos/create", self._create),
            (r"/api/validate-yaml", lambda: {"errors": [], "warnings": []}),
            (r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", self._info),
            (r"/api/models/([^/]+/[^/]+)/tree/(.+)", self._tree),
            (r"/api/models/([^/]+/[^/]+)/branch/(.+)", self._branch),
            (r"/api/models/([^/]+/[^/]+)/preupload/(.+)", self._preupload),
            (r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", self._lfs_batch),
            (r"/lfs/(\w+)", self._lfs_put),
            (r"/api/models/([^/]+/[^/]+)/commit/(.+)", self._commit),
        ):
            if match := re.fullmatch(pattern, path):
                if self.command == "POST":
                    self._authorise()
                answer = method(*match.groups())
                status, answer = answer if isinstance(answer, tuple) else (200, answer)
                return status, json.dumps(answer).encode(), {"Content-Type": "application/json"}
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file(*match.groups())
        raise _Refused(404)

    def _has_token(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _authorise(self) -> None:
        if not self._has_token():
            raise _Refused(401, message="Invalid username or password.")

    def _repository(self, name: str) -> Repository:
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and not self._has_token()):
            # As the hub does: without a token it does not say which repositories exist.
            raise _Refused(404 if self._has_token() else 401, "RepoNotFound")
        return repository

    def _sha(self, repository: Repository, revision: str) -> str:
        sha = repository.branches.get(revision, revision)
        if sha not in repository.commits:
            raise _Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return sha

    def _info(self, name: str, revision: str | None) -> Any:
        repository = self._repository(name)
        sha = self._sha(repository, revision or "main")
        siblings = [
            {"rfilename": file, "size": self.hub.sizes.get(file, len(content)), "blobId": sha}
            for file, content in repository.commits[sha].items()
        ]
        about = {"id": name, "modelId": name, "private": repository.private}
        return {**about, "sha": sha, "siblings": siblings, "tags": [], "downloads": 0}

    def _tree(self, name: str, revision: str) -> Any:
        repository = self._repository(name)
        files = repository.commits[self._sha(repository, revision)]
        return [
            {"type": "file", "path": file, "size": len(content), "oid": "0"}
            for file, content in files.items()
        ]

    def _create(self) -> Any:
        wanted = json.loads(self.body)
        name = f"{wanted['organization']}/{wanted['name']}"
        url = {"url": f"{self.hub.endpoint}/{name}"}
        if name in self.hub.repositories:
            return 409, {**url, "error": "You already created this model repo"}
        private = wanted.get("private", False) or wanted.get("visibility") == "private"
        self.hub.repositories[name] = Repository(private)
        return url

    def _branch(self, name: str, branch: str) -> Any:
        repository = self._repository(name)
        if branch in repository.branches:
            return 409, {"error": "Reference already exists"}
        repository.branches[branch] = repository.branches["main"]
        return {}

    def _preupload(self, name: str, revision: str) -> Any:
        self._sha(self._repository(name), revision)
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs"
                if file["path"].endswith((".safetensors", ".onnx"))
                else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(self.body)["files"]
        ]
        return {"files": files}

    def _lfs_batch(self, name: str) -> Any:
        self._repository(name)
        objects = [
            {**wanted, "actions": {"upload": {"href": f"{self.hub.endpoint}/lfs/{wanted['oid']}"}}}
            for wanted in json.loads(self.body)["objects"]
        ]
        return {"transfer": "basic", "objects": objects}

    def _lfs_put(self, oid: str) -> Any:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.hub.uploaded[oid] = self.body
        return {}

    def _commit(self, name: str, branch: str) -> Any:
        repository = self._repository(name)
        files = dict(repository.files(self._sha(repository, branch)))
        for line in self.body.splitlines():
            kind, value = (part := json.loads(line))["key"], part["value"]
            if kind == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                files[value["path"]] = self.hub.uploaded[value["oid"]]
            elif kind == "deletedFile":
                del files[value["path"]]
        sha = repository.commit(branch, files)
        return {"commitUrl": f"{self.hub.endpoint}/{name}/commit/{sha}", "commitOid": sha}

    def _file(self, name: str, revision: str, file: str) -> tuple[int, bytes, dict[str, str]]:
        repository = self._repository(name)
        sha = self._sha(repository, revision)
        if file not in repository.commits[sha]:
            raise _Refused(404, "EntryNotFound")
        content = repository.commits[sha][file]
        etag = f'"{hashlib.sha1(content).hexdigest()}"'
        return 200, content, {"ETag": etag, "X-Repo-Commit": sha, "Accept-Ranges": "none"}


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Run a server; yield its `Hub`."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def use_hub(patch: pytest.MonkeyPatch, endpoint: str, cache: Any, token: str | None) -> None:
    """Make the hub's client in this process use an endpoint, a cache folder and a token."""
    from huggingface_hub import constants, file_download

    patch.setattr(constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    for module in (constants, file_download):
        patch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    patch.setattr(constants, "HF_HUB_CACHE", str(cache))
    patch.setattr(constants, "HF_HUB_OFFLINE", False)
    patch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", None)
    patch.setattr(constants, "HF_TOKEN_PATH", str(cache / "no-token"))
    patch.setenv("NO_PROXY", "127.0.0.1")
    if token is None:
        patch.delenv("HF_TOKEN", raising=False)
        patch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    else:
        patch.setenv("HF_TOKEN", token)
    new_sessions()


def new_sessions() -> None:
    """Close the connections of the hub's client, which depend on its settings."""
    from huggingface_hub import utils

    # The name since version 1, and the earlier one.
    (getattr(utils, "close_session", None) or utils.reset_sessions)()


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[Hub]:
    """Run a hub on this machine, which the client in this process uses, with a valid token."""
    with serve_hub() as running:
        use_hub(monkeypatch, running.endpoint, tmp_path / "hub-cache", TOKEN)
        yield running
    new_sessions()
