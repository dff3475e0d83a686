"""Machines to train on: two of them joined by a wire, and a SLURM cluster of two nodes.

All are this machine. What is started here ends with the tests, even if they are killed: each
process asks the kernel to be killed when the one that started it dies.
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

DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
# Two nodes of one core each. A job in `low` makes way for one in `high`: it is warned, and ended
# when the seconds of grace are over. One that is started again waits for cred_expire seconds.
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


def need(*commands: str, packages: str) -> None:
    """Skip the test where it cannot run."""
    if os.geteuid() != 0:
        pytest.skip("only root may set up machines")
    if missing := [command for command in commands if not shutil.which(command)]:
        pytest.skip(f"{missing[0]} is missing: apt-get install {packages}")


@contextmanager
def running(*command: str, **options) -> Iterator[subprocess.Popen]:
    """Keep a program running, and end it."""
    process = subprocess.Popen([*DIES_WITH_US, *command], **options)
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
    """Wait for a condition; fail where it does not come about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Return the function that waits for a condition, so many seconds at most."""
    return wait


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """Return overrides for a corpus that the program makes and a network that trains in seconds."""
    return (
        *("data.train=192", "data.dev=64", "data.test=64", "data.batch.sentences=8"),
        *("model.hidden_size=16", "model.words.size=16", "trainer.max_epochs=2"),
    )


@pytest.fixture
def two_machines() -> Iterator[tuple[list[str], list[str]]]:
    """Return what runs a command on each of two machines: 10.99.0.1 and 10.99.0.2.

    Each is a network namespace without a name, kept by a sleeping process; the kernel clears it
    away, with its end of the wire, when that is gone.
    """
    need("ip", "unshare", "nsenter", "setpriv", packages="iproute2 util-linux")
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
    """A SLURM cluster: jobs are submitted to it, and looked after."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def say(self, *command: str) -> str:
        """Return what a command of SLURM's prints."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def submit(self, *words: str) -> str:
        """Submit a job; return its number."""
        return self.say("sbatch", "--parsable", *words)

    def about(self, job: str) -> dict[str, str]:
        """Return what SLURM knows of a job: JobState, Restarts, ExitCode and much else."""
        words = self.say("scontrol", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait(self, job: str, *states: str, seconds: float = 300.0) -> dict[str, str]:
        """Wait until a job is in one of these states; return what SLURM knows of it then."""
        wait(lambda: self.about(job)["JobState"] in states, f"job {job} {states}", seconds)
        return self.about(job)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start a SLURM cluster of two nodes on this machine, and end it with all its jobs."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin")
        need("slurmctld", "slurmd", "srun", "munged", "setpriv", packages="slurm-wlm munge")
        # The name of a socket may not be long.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        folder.chmod(0o755)  # munged wants its socket within everybody's reach
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
            cluster.say("scancel", "--user=root")
            wait(lambda: not cluster.say("squeue", "--noheader"), "no job left", 60)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _idle_nodes(folder: Path) -> int:
    command = ["sinfo", "--noheader", "--Node", "--partition=low", "--format=%T"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stdout.split().count("idle")
