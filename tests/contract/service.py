"""The service under test: a real process in a folder of its own, with something of everything."""

import base64
import os
import socket
import subprocess
import tarfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import requests

TENANT = "contract"
# What a client has to wait for here takes seconds; more than this is a fault.
PATIENCE = 120


class Service:
    """One installation: its settings, its keys, its processes."""

    def __init__(self, certus: Path, folder: Path):
        self.certus = certus
        self.folder = folder
        self.workspace = folder / "workspace"
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.silent_port = free_port()
        self.environment = {
            # A setting of whoever runs this is none of the service under test.
            **{name: value for name, value in os.environ.items() if is_foreign(name)},
            "CERTUS_PRODUCTION": "true",
            "CERTUS_KEY": "contract",
            "CERTUS_KEY_DIR": str(folder / "keys"),
            "CERTUS_SCRATCH_DIR": str(folder / "scratch"),
            "CERTUS_ASSURANCE_LISTEN": self.address,
            "CERTUS_ASSURANCE_ARTIFACT_ROOT": str(folder / "artifacts"),
            "CERTUS_ASSURANCE_WORKSPACE_ROOT": str(self.workspace),
            # The run asks for scans of made-up addresses: none of them is even looked up.
            "CERTUS_OFFLINE": "true",
            "CERTUS_ALLOWED_HOSTS": f"127.0.0.1:{self.silent_port}",
            "ENCRYPTION_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
            "CERTUS_JOB_ATTEMPTS": "1",
            "CERTUS_PUBLISH_DIR": str(folder / "published"),
            "CERTUS_PRIVACY_PLUGINS": "secrets",
            "CERTUS_DRAIN_SECONDS": "1",
        }

    def command(self, *arguments: str) -> str:
        """Runs `certus` to its end, for what it prints."""
        done = subprocess.run(
            [self.certus, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        return done.stdout.strip()

    @contextmanager
    def process(self, *arguments: str, **settings: str):
        """A process of the service, ended with the block; what it logs is kept in the folder."""
        with open(self.folder / f"{arguments[0]}.log", "ab") as log:
            process = subprocess.Popen(
                [self.certus, *arguments],
                cwd=self.folder,
                env=self.environment | settings,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()

    def await_ready(self, process: subprocess.Popen) -> None:
        """Returns once the service answers; fails when it has ended instead."""

        def ready():
            if process.poll() is not None:
                raise SystemExit(f"contract: the service ended; see {self.folder}/serve.log")
            try:
                return requests.get(f"{self.url}/readyz", timeout=5).ok
            except requests.ConnectionError:
                return False

        until(ready, "the service is ready")


def is_foreign(name: str) -> bool:
    """Whether a variable is no setting of certus, or says where what is costly to make is kept."""
    if name in ("CERTUS_PLUGIN_DIR", "CERTUS_CACHE_DIR"):
        return True
    return not name.startswith(("CERTUS_", "DATABASE_", "COSIGN_"))


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until(condition, what: str):
    """What `condition` says once it says anything true."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"contract: waited {PATIENCE} s in vain until {what}")
        time.sleep(0.05)
    return value


def install(service: Service) -> str:
    """Makes the signing key, the tenant and its administrator, whose API key is the answer."""
    service.workspace.mkdir(parents=True)
    service.command("keys", "generate", "contract")
    service.command("tenant", "create", TENANT)
    admin = service.command("user", "create", TENANT, "admin", "--role", "admin")
    lay_out_workspace(service.workspace)
    return service.command("api-key", "create", admin)


def lay_out_workspace(workspace: Path) -> None:
    """A tree with something to find: a made-up password, a licence and a list of packages."""
    tree = workspace / "shop"
    tree.mkdir()
    (tree / "LICENSE").write_text("SPDX-License-Identifier: Apache-2.0\n")
    # Put together here, so that whoever scans this very file finds none.
    name = "password"
    (tree / "app.py").write_text(f'{name} = "kX9vQ2mZ7pL4wRtY"\n')
    (tree / "requirements.txt").write_text("requests==2.32.3\n")
    with tarfile.open(workspace / "shop.tar.gz", "w:gz") as archive:
        archive.add(tree, arcname="shop")


class Client:
    """Asks the service as the administrator."""

    def __init__(self, service: Service, key: str):
        self.url = service.url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {key}"

    def ask(self, method: str, path: str, **what):
        """The JSON of an answer that says yes."""
        answer = self.session.request(method, self.url + path, timeout=30, **what)
        if not answer.ok:
            raise SystemExit(
                f"contract: {method} {path} was answered {answer.status_code}: {answer.text}"
            )
        return answer.json()

    def submit(self, **source) -> str:
        """The id of a new scan."""
        names = {"workspace_id": "acme", "component_id": "shop", "assessment_id": "nightly"}
        return self.ask("POST", "/v1/security-scans", json=names | source)["test_id"]

    def status(self, scan: str) -> str:
        """How far a scan is."""
        return self.ask("GET", f"/v1/security-scans/{scan}")["status"]


@contextmanager
def silent_host(port: int):
    """A host that takes connections and is silent: what fetches from it is busy until killed."""
    with socket.create_server(("127.0.0.1", port)) as server:
        taken = []

        def take():
            try:
                while True:
                    taken.append(server.accept()[0])
            except OSError:
                return

        threading.Thread(target=take, daemon=True).start()
        try:
            yield f"https://127.0.0.1:{port}/shop"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for connection in taken:
                connection.close()


def lose_worker(service: Service, client: Client) -> str:
    """The id of a scan whose worker was killed: its job is given up once the lease is over."""
    with silent_host(service.silent_port) as address:
        scan = client.submit(source_type="git", git_url=address)
        with service.process("worker", CERTUS_LEASE_SECONDS="2") as worker:
            until(lambda: client.status(scan) == "running", "a worker has the scan")
            worker.kill()
    return scan


def fill(service: Service, client: Client, lost: str) -> dict:
    """Makes something of everything through the API, and says the ids.

    It returns once `lost` is a dead letter.
    """
    archive = (service.workspace / "shop.tar.gz").read_bytes()
    upload = client.ask(
        "POST", "/v1/security-scans/upload-archive", files={"file": ("shop.tar.gz", archive)}
    )
    user = client.ask(
        "POST", "/v1/admin/users", json={"tenant_id": TENANT, "name": "ada", "role": "tenant"}
    )
    client.ask("POST", "/v1/admin/tenants", json={"id": "other", "name": "Other"})
    # A key is named by its second part, `certus_ID_SECRET`.
    own_key = client.session.headers["Authorization"].split("_")[1]
    own_user = next(
        key["user_id"]
        for key in client.ask("GET", "/v1/api-keys")["items"]
        if key["id"] == own_key
    )
    keys = [
        client.ask("POST", "/v1/api-keys", json={"name": f"spare-{n}"})["id"] for n in range(4)
    ]
    receiver = f"https://127.0.0.1:{service.silent_port}/told"
    webhooks = [
        client.ask("POST", "/v1/webhooks", json={"url": receiver})["id"] for _ in range(4)
    ]
    login = {"name": "ci", "host": "git.example.com", "token": "made-up"}
    client.ask("POST", "/v1/git-credentials", json=login)
    scans = [
        client.submit(source_type="directory", directory_path="shop"),
        client.submit(source_type="archive", archive_path=upload["upload_id"], profile="standard"),
        client.submit(source_type="archive", archive_path="shop.tar.gz"),
        # Ends as a failure, with a bundle that says why.
        client.submit(source_type="directory", directory_path="nowhere"),
    ]
    for scan in [*scans, lost]:
        until(
            lambda scan=scan: client.status(scan) in ("succeeded", "failed"), f"{scan} has ended"
        )
    client.ask("POST", f"/v1/security-scans/{scans[0]}/upload-request", json={})
    # Of a profile without thresholds, so that Trust has no reason to deny it.
    published = client.submit(source_type="directory", directory_path="shop", profile="fast")
    until(lambda: client.status(published) == "succeeded", f"{published} has succeeded")
    path = f"/v1/security-scans/{published}/upload-request"
    client.ask("POST", path, json={"tier": "basic"})
    until(lambda: client.ask("GET", path)["upload_status"] == "uploaded", "it is published")
    permission = client.ask("GET", path)["upload_permission_id"]
    thing = {"artifact": "0" * 64, "artifact_type": "report", "subject": "report.json"}
    entries = [client.ask("POST", "/v1/sign", json=thing)["entry_id"] for _ in range(4)]
    listed = client.ask("GET", f"/v1/security-scans/{scans[0]}/artifacts")
    return {
        "scans": scans,
        "dead_letter": lost,
        "upload": upload["upload_id"],
        "user": user["id"],
        "keys": keys,
        "tenant": "other",
        "webhooks": webhooks,
        "entries": entries,
        "receiver": receiver,
        "publication": {
            "upload_permission_id": permission,
            "scan_id": published,
            "tier": "basic",
        },
        "needed": [own_key, own_user, TENANT],
        "artifacts": [artifact["path"] for artifact in listed["items"]],
    }
