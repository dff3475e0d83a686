"""The parts of a README: headings, links and code blocks; and how its commands are run here."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r" *```(\w*) *$")
LINK = re.compile(r"\[[^][]*\]\(([^()\s]+)\)")


class Block(NamedTuple):
    """A code block: its language, the line before its first one, and its lines."""

    language: str
    line: int
    lines: tuple[str, ...]


def readmes() -> list[Path]:
    """Return README.md and the README.md files of all folders that are documented."""
    folders = [ROOT / name for name in ("conf", "scripts", "seqtag")]
    return [ROOT / "README.md", *sorted(p for f in folders for p in f.rglob("README.md"))]


def split(text: str) -> tuple[str, list[Block]]:
    """Return a README's text outside of its code blocks, and its code blocks."""
    outside: list[str] = []
    blocks: list[Block] = []
    inside: tuple[str, int, list[str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None and fence:
            inside = (fence[1], number, [])
        elif inside is None:
            outside.append(line)
        elif fence:
            language, start, lines = inside
            blocks.append(Block(language, start, tuple(lines)))
            inside = None
        else:
            inside[2].append(line)
    assert inside is None, f"the code block of line {inside[1]} has no end"
    return "\n".join(outside), blocks


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives the headings outside of code blocks."""
    seen: Counter[str] = Counter()
    names = set()
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", text, re.MULTILINE):
        words = re.sub(r"\[([^][]*)\]\([^()]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        names.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return names


def broken_links(readme: Path) -> Iterator[str]:
    """Yield what is wrong with the links of a README."""
    text, _ = split(readme.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        file = readme.parent / path if path else readme
        if path.startswith(("/", "file:")) or not file.resolve().is_relative_to(ROOT):
            yield f"{target}: not a path inside the repository"
        elif not file.exists():
            yield f"{target}: there is no such file"
        elif anchor and anchor not in anchors(split(file.read_text(encoding="utf-8"))[0]):
            yield f"{target}: there is no such heading"


def commands(block: Block) -> list[str]:
    """Return the commands of a block, each on one line, without comments."""
    joined = re.sub(r" *\\\n *", " ", "\n".join(line.strip() for line in block.lines))
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


class Rule(NamedTuple):
    """How the commands that a pattern matches are run.

    Attributes:
        pattern: the start of the command.
        replace: patterns and what replaces them, in order.
        append: added at the end.
        why: why the command does not run as it stands.
    """

    pattern: str
    replace: tuple[tuple[str, str], ...] = ()
    append: str = ""
    why: str = ""

    def apply(self, command: str) -> str:
        """Return the command as it is run."""
        for pattern, text in self.replace:
            command, count = re.subn(pattern, text, command)
            assert count, f"{pattern!r} is not in {command!r}"
        return f"{command} {self.append}".strip()


INSTALL = "installs packages, as .ci/run does"
ELSEWHERE = "needs other machines or a network: composed only"
NETWORK = "needs the Hugging Face hub; tests/model_folder/test_hub.py has one of its own"
EXTRA = "needs packages that the tests do without"
LONG = "trains for long"
COMPOSE = "--cfg job"
TAGGER = "trainer.max_epochs=1 model.hidden_size=4"
PROBE = f"data.train=40 data.dev=10 {TAGGER} probe.quick.items=1"
PRONOUN = f"data.train=40 data.dev=10 data.test=10 {TAGGER}"
LEARN = f"{TAGGER.split()[1]} data.dev=10 probe.quick.items=1 regime.budget=64 regime.lags=[5]"
QUICK = ("size=full", "size=quick")
NOTHING = (r"^.*$", "true")
VIA_PYTHON = (r"^.* -m seqtag\.cli ", "seqtag ")
TESTS = (r"^", f"cd {ROOT} && python -m ")

# The first rule whose pattern matches applies. A command without a rule fails the test, so that
# none is left out silently. In sweeps, of each list of values the first one or two are run.
RULES = (
    Rule(r"[A-Z]+=\S+$"),
    Rule(r"(python3 -m venv|\.venv/bin/pip|pip install) ", (NOTHING,), "", INSTALL),
    Rule(r"scripts/verify", ((r"^", f"bash -n {ROOT}/"),), "", "runs all tests"),
    Rule(r"scripts/check_gpu\.sh", ((r"^(\S+).*", r"bash -n \1"),), "", "needs a GPU"),
    Rule(r"python scripts/wheels\.py", (), "--help", "needs a network"),
    Rule(r"python scripts/bench_gpu\.py", (), "--help", "needs a GPU"),
    Rule(r"python scripts/bench_compiling\.py", (), "--help", "takes minutes"),
    Rule(r"python scripts/bench_commits\.py", ((r" \w+$", ""),), "--help", "needs earlier commits"),
    Rule(r"torchrun ", (VIA_PYTHON,), COMPOSE, ELSEWHERE),
    Rule(r"sbatch ", ((r"^.* scripts/train\.sbatch", "seqtag train"),), COMPOSE, ELSEWHERE),
    Rule(r"pytest ", (TESTS,), "--collect-only", "needs root, or takes long"),
    Rule(
        r"seqtag train -m hydra/launcher=slurm",
        ((r" -m .* ckpt_path", " ckpt_path"), (r"(=\w+),[\w,]+", r"\1")),
        COMPOSE,
        ELSEWHERE,
    ),
    Rule(r"seqtag train data=hub", (), COMPOSE, ELSEWHERE),
    Rule(r"seqtag train trainer=ddp", (), COMPOSE, "tests/distributed trains in this way"),
    Rule(r"seqtag train logger=tensorboard", (), COMPOSE, EXTRA),
    Rule(r"seqtag probe suite=", (), COMPOSE, "a suite is downloaded"),
    Rule(r"hf auth login|seqtag push |seqtag tag .*OWNER/NAME", (NOTHING,), "", NETWORK),
    # As it stands.
    Rule(r"seqtag \w+ --help"),
    Rule(r".* --cfg job"),
    Rule(r"seqtag tag .*--input-format conll", (("FILE", "my/corpus/test.txt"),)),
    Rule(r"seqtag (check|evaluate|tag|report) "),
    Rule(r"echo .* \| (seqtag tag|python -m seqtag\.runtime) "),
    Rule(r"seqtag export .*FILE", (("FILE", "my/corpus/test.txt"),), "--force", "another corpus"),
    Rule(r"seqtag export "),
    Rule(r"npm install |node tag\.mjs", (NOTHING,), "", "tests/runtime/test_javascript.py runs it"),
    Rule(r"seqtag serve ", (), "--help", "runs until it is stopped"),
    Rule(r"curl http://127\.0\.0\.1:8000/", (NOTHING,), "", "tests/serve sends these requests"),
    Rule(
        r"seqtag trace .*--only",
        ((r"--model \S+", "--model RUN/model"), (r"--only \S+", "--only 1,0")),
        "",
        "a smaller tagger of pronouns",
    ),
    Rule(r"seqtag trace ", ((r"--model \S+", "--model RUN/model"),), "", "a tagger of pronouns"),
    Rule(
        r"seqtag inspect logs/",
        ((r"inspect \S+", "inspect RUN"),),
        "--sentences 20 --groups 2",
        "a smaller run",
    ),
    Rule(r"seqtag inspect .*--data", (), "--help", "needs 40 sentences"),
    Rule(
        r"seqtag inspect ",
        ((r"--model \S+(?: --model \S+)*", "--model RUN/model"), (r"$| --units \S+", "")),
        "--sentences 20 --groups 2",
        "a smaller tagger of pronouns",
    ),
    Rule(
        r"seqtag train -m experiment=claim_study",
        ((" -m ", " "), (r"(=[\w.]+)(?:,[\w.,]+)?", r"\1")),
        COMPOSE,
        LONG,
    ),
    Rule(r"seqtag train debug=fdr", (), PRONOUN, LONG),
    Rule(r"seqtag train .*data\.path=(tickets|more)\.jsonl"),
    # Shorter.
    Rule(r"seqtag train search=", ((r"trials=\d+", "trials=2"),), PRONOUN.rpartition(" ")[0], LONG),
    Rule(r"seqtag train hydra\.run\.dir=RUN", (("RUN", "logs/train/mine"),), PRONOUN, LONG),
    Rule(r"seqtag train --config-dir logs/train/best", (), PRONOUN, LONG),
    Rule(r"seqtag train .*vectors=FILE", (("FILE", "VECTORS"),), TAGGER, LONG),
    Rule(r"seqtag train .*data\.path=ner\.", (), TAGGER, LONG),
    Rule(
        r"seqtag train .*data=(conllu|json|csv|parquet)",
        ((r"=(\w+) data\.path=FOLDER", r"=\1 data.path=FOLDER/\1"),),
        TAGGER,
        LONG,
    ),
    Rule(r"seqtag train .*init=MODEL", (), COMPOSE, "a corpus that MODEL does not fit"),
    Rule(r"seqtag train .*label_map=", (), COMPOSE, "replaces labels of another corpus"),
    Rule(r"seqtag train .*=ud_ewt", (("FOLDER", "FOLDER/conllu"),), TAGGER, LONG),
    Rule(r"seqtag train .*=wnut17", (("FOLDER", "FOLDER/wnut17"),), TAGGER, LONG),
    Rule(r"seqtag train .*experiment=c", (("FOLDER", "FOLDER/column"),), TAGGER, LONG),
    Rule(r"seqtag train .*data=(column|spans)", (), TAGGER, LONG),
    Rule(r"seqtag train", (), PRONOUN, LONG),
    Rule(
        r"seqtag probe -m experiment=quick_study",
        ((" -m ", " "), (r'"probe=glob[^"]*"', "probe=parity"), (r"(=\w+),[\w,]+|$", r"\1")),
        COMPOSE,
        LONG,
    ),
    Rule(
        r"seqtag probe -m experiment=\w+_study",
        ((" -m ", " "), (r"(=\w+),[\w,]+", r"\1"), (r"choice\((\w+)\)|$", r"\1")),
        COMPOSE,
        LONG,
    ),
    Rule(r"seqtag probe .*pronoun_balanced", (), PROBE.replace("items=1", "items=18"), LONG),
    Rule(
        r"seqtag probe .*probe=glob.*encoder=transformer",
        ((r"glob\(\*", "glob(p*y"),),
        PROBE.replace("hidden_size=4", "hidden_size=8"),
        LONG,
    ),
    Rule(r"seqtag probe .*probe=glob", ((r"glob\(\*", "glob(p*y"),), PROBE, LONG),
    Rule(
        r"seqtag probe .*regime=learn size=full regime\.lags",
        (QUICK, (r"lags=\S+", "lags=[5]")),
        LEARN.rpartition(" ")[0],
        LONG,
    ),
    Rule(r"seqtag probe .*regime\.lags", ((r" regime\.(lags|budget)=\S+", ""),), LEARN, LONG),
    Rule(r"seqtag probe .*regime=learn", (QUICK,), LEARN, LONG),
    Rule(r"seqtag probe .*model_dir=MODEL", (QUICK, ("MODEL", "RUN/model")), PROBE, LONG),
    Rule(r"seqtag probe .*size=full", (QUICK,), PROBE, LONG),
    Rule(r"seqtag probe .*seq -s", ((r"5 5 200", "5 5 10"),), PROBE, LONG),
    Rule(
        r"seqtag probe .*parameters=",
        (("60000", "6000"),),
        PROBE.replace(" model.hidden_size=4", ""),
        LONG,
    ),
    Rule(r"seqtag probe", (), PROBE, LONG),
    Rule(r"python scripts/results\.py", (), "--help", "adds to the files of the repository"),
    Rule(r"python scripts/compare_runs\.py ", (("DATE_TIME", "pronouns"),)),
    Rule(r"python scripts/fuzz\.py", ((r"--inputs \d+", "--list"),), "", LONG),
    Rule(r"python scripts/bench_cells\.py", ((r"^(\S+ \S+).*", r"\1"),), "--help", "takes minutes"),
    Rule(
        r"python scripts/bench_matrix\.py", ((r"^(\S+ \S+).*", r"\1"),), "--help", "takes minutes"
    ),
    Rule(r"python scripts/bench_latency\.py", (), "--help", "takes minutes"),
    Rule(r"python scripts/bench_(pipeline|raw)\.py", (), "--help", EXTRA),
    Rule(r"python scripts/bench_taggers\.py", (), "--help", "needs the runs of a study"),
    Rule(r"python scripts/bench_export\.py", (), "--help", "takes minutes"),
    Rule(
        r"python scripts/environment\.py",
        (),
        "--help",
        "needs an environment with nothing else in it",
    ),
    Rule(
        r"python scripts/bench_serve\.py",
        (("FILE", "text.txt"),),
        "--clients 4 --seconds 1",
        LONG,
    ),
    Rule(r"python scripts/going_on\.py", (), "--help", LONG),
    Rule(r"python scripts/bench_memory\.py", (), "--sentences 4000 --steps 2", LONG),
    Rule(
        r"python scripts/bench_scaling\.py --path",
        (("FOLDER", "FOLDER/column"),),
        "--processes 1 --batches 1 --turns 2",
        LONG,
    ),
    Rule(r"python scripts/bench_scaling\.py", (), "--processes 1 --batches 1 --turns 2", LONG),
)


def shortened(command: str) -> str:
    """Return the command as it is run here.

    Raises:
        AssertionError: if no rule is for it.
    """
    environment, plain = re.fullmatch(r"((?:[A-Z_]+=\S+ )*)(.*)", command).groups()
    rule = next((rule for rule in RULES if re.match(rule.pattern, plain)), None)
    assert rule is not None, f"no rule of tests/shared/readmes.py is for: {command}"
    short = rule.apply(plain)
    if " -m " in short or "search=" in short:
        short = re.sub(r"(?<= )([\w.]+=\$CELLS)", "cell=lstm,gru", short)
        short = re.sub(r"(?<= )((?:probe|seed|model\.feature_size)=\w+),[\w,]+", r"\1", short)
        short = re.sub(r"(?<= )(data\.fold=\w+,\w+),[\w,]+", r"\1", short)
        short = re.sub(r"(?<= )(cell=\w+,\w+),[\w,]+", r"\1", short)
    return environment + short
