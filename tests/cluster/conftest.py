"""Fixtures for distributed tests: two connected machines, and a SLURM cluster of two nodes.

Both are simulated on this machine. All processes started here end with the tests, even if these are
killed: each process has the kernel kill it when its parent dies.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

DIES_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")
# Two nodes of one core each. A job in `high` preempts a job in `low`, which is warned, and ended
# after GraceTime seconds. A requeued job waits for cred_expire seconds.
SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
JobRequeue=1
KillWait=30
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
NodeName={host} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1
NodeName={host}-twin NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=1
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 GraceTime=60
PartitionName=at_once Nodes=ALL PriorityTier=1
PartitionName=high Nodes=ALL PriorityTier=2 PreemptMode=OFF
"""


def require_commands(*commands: str, packages: str) -> None:
    """Skip the test if this is not root, or a command is missing."""
    if os.geteuid() != 0:
        pytest.skip("only root may set up machines")
    if missing := [command for command in commands if not shutil.which(command)]:
        pytest.skip(f"{missing[0]} is missing: apt-get install {packages}")


@contextmanager
def running(*command: str, **options) -> Iterator[subprocess.Popen]:
    """Run a program inside this context, and end it on exit."""
    process = subprocess.Popen([*DIES_WITH_PARENT, *command], **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition; fail if it is not met in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Return the function `wait`."""
    return wait


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Return overrides for a generated corpus and a network that trains in seconds."""
    return (
        *("data.train=192", "data.dev=64", "data.test=64", "data.batch.sentences=8"),
        *("model.hidden_size=16", "model.words.size=16", "trainer.max_epochs=2"),
    )


@pytest.fixture
def two_machines() -> Iterator[tuple[list[str], list[str]]]:
    """Return the command prefixes that run a command on machine 10.99.0.1 and on 10.99.0.2.

    Each machine is an anonymous network namespace, held open by a sleeping process; when that
    process ends, the kernel removes the namespace and its end of the wire.
    """
    require_commands("ip", "unshare", "nsenter", "setpriv", packages="iproute2 util-linux")
    own = os.readlink("/proc/self/ns/net")
    with (
        running("unshare", "--net", "sleep", "600") as one,
        running("unshare", "--net", "sleep", "600") as two,
    ):
        for process in (one, two):
            wait(lambda p=process: os.readlink(f"/proc/{p.pid}/ns/net") != own, "a namespace")
        ends = ["netns", str(one.pid), "type", "veth", "peer", "wire", "netns", str(two.pid)]
        subprocess.run(["ip", "link", "add", "wire", *ends], check=True)
        machines = tuple(["nsenter", "--net", "--target", str(p.pid)] for p in (one, two))
        for number, machine in enumerate(machines, 1):
            subprocess.run(
                [*machine, "ip", "addr", "add", f"10.99.0.{number}/24", "dev", "wire"], check=True
            )
            for device in ("wire", "lo"):
                subprocess.run([*machine, "ip", "link", "set", device, "up"], check=True)
        yield machines


class Cluster:
    """A SLURM cluster: submits jobs and reads their state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *command: str) -> str:
        """Run a command of SLURM; return its output."""
        completed = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout.strip()

    def submit(self, *arguments: str) -> str:
        """Submit a job; return its number."""
        return self.run("sbatch", "--parsable", *arguments)

    def fields(self, job: str) -> dict[str, str]:
        """Return SLURM's fields of a job: JobState, Restarts, ExitCode and many more."""
        words = self.run("scontrol", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait(self, job: str, *states: str, seconds: float = 300.0) -> dict[str, str]:
        """Wait until a job is in one of these states; return its fields."""
        wait(lambda: self.fields(job)["JobState"] in states, f"job {job} {states}", seconds)
        return self.fields(job)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Run a SLURM cluster of two nodes on this machine; cancel its jobs and end it on exit."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
        require_commands(
            "slurmctld", "slurmd", "srun", "munged", "setpriv", packages="slurm-wlm munge"
        )
        # Not in tmp_path: the path of a socket must be short.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)  # munged requires that all users can reach its socket
        host = socket.gethostname()
        conf = SLURM_CONF.format(host=host, folder=folder, ports=_free_ports(3))
        (folder / "slurm.conf").write_text(conf)
        (folder / "state").mkdir()
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        key = folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        munge = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        log = stack.enter_context((folder / "daemons.log").open("w+"))
        for daemon in (
            ["munged", "--foreground", f"--socket={folder}/munge.socket", *munge],
            ["slurmctld", "-D"],
            *(["slurmd", "-D", "-N", node] for node in (host, f"{host}-twin")),
        ):
            stack.enter_context(running(*daemon, stdout=log, stderr=log))
        cluster = Cluster(folder)
        wait(lambda: _idle_nodes(folder) == 2, f"two idle nodes, see {log.name}")
        try:
            yield cluster
        finally:
            cluster.run("scancel", "--user=root")
            wait(lambda: not cluster.run("squeue", "--noheader"), "no job left", 60)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _idle_nodes(folder: Path) -> int:
    command = ["sinfo", "--noheader", "--Node", "--partition=low", "--format=%T"]
    completed = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return completed.stdout.split().count("idle")
