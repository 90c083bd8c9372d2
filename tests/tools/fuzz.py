"""Which text breaks a promise? Every reader of foreign text is given texts that grow by coverage (atheris, libFuzzer).

    python tests/tools/fuzz.py [SECONDS [READER...]]

The readers share the seconds. A text that breaks a promise is kept in tests/fixtures/finds, where the tests take it up,
and the exit code is 1.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
FIXTURES = TESTS / "fixtures"
SLOW = 30  # seconds for one text of at most LONGEST bytes: not a measure of speed, but an end
LONGEST = 4096


def main(seconds: float = 60, *chosen: str) -> int:
    """Give each reader its share of the time, in a process of its own; tell what was found."""
    from promises import FINDS, PROMISES

    readers = chosen or tuple(PROMISES)
    broken = 0
    for reader in readers:
        with tempfile.TemporaryDirectory() as folder:
            corpus, found = Path(folder, "corpus"), Path(folder, "found")
            for place in (corpus, found):
                place.mkdir()
            seeds = _seeds(reader)
            for name, text in seeds.items():
                (corpus / name).write_text(text)
            words = sorted(set(re.findall(r"[\w.:/@-]{2,20}", "\n".join(seeds.values()), re.ASCII)))
            Path(folder, "words").write_text("".join(f'"{word}"\n' for word in words))
            share = max(1, round(seconds / len(readers)))
            ended = subprocess.run(
                [sys.executable, __file__, "--one", reader, str(corpus), f"-max_total_time={share}",
                 f"-dict={folder}/words", f"-artifact_prefix={found}/", f"-timeout={SLOW}", f"-max_len={LONGEST}",
                 "-rss_limit_mb=2048", "-verbosity=0", "-print_final_stats=1"],
                capture_output=True, text=True, errors="replace",
            )  # fmt: skip
            tried = re.search(r"stat::number_of_executed_units: (\d+)", ended.stderr)
            kept = [_keep(file, FINDS, reader) for file in found.iterdir()]
            print(f"{reader:16} {tried[1] if tried else '?':>9} texts, {len(list(corpus.iterdir()))} kept as different",
                  flush=True)  # fmt: skip
            if ended.returncode:
                broken += 1
                print(ended.stdout + ended.stderr, *kept, sep="\n", flush=True)
    return 1 if broken else 0


def _seeds(reader: str) -> dict[str, str]:
    """What to begin with: real captures, or the examples of claims."""
    if reader == "claim":
        from vethlab_sh.claims.check import vocabulary

        return {str(n): str(row["example"]) for n, row in enumerate(vocabulary())}
    command = reader.removesuffix("_statistics")
    captures = FIXTURES.glob("*/*.out" if reader == "explain" else f"{command}/*.out")
    finds = FIXTURES.glob("finds/*.txt" if reader == "explain" else f"finds/{command}--*.txt")
    files = [*captures, *finds]
    if reader == "explain":
        files.append(TESTS / "article.txt")
    return {f"{file.parent.name}--{file.stem}": file.read_text(errors="replace") for file in files}


def _keep(file: Path, finds: Path, reader: str) -> Path:
    finds.mkdir(exist_ok=True)
    return file.replace(finds / f"{reader}--{file.name.rpartition('-')[2][:8]}.txt")


def one(reader: str, *options: str) -> None:
    """Give this reader texts until the time is over, or one breaks its promise."""
    import atheris

    with atheris.instrument_imports(include=["vethlab_sh"]):
        from promises import PROMISES

    atheris.Setup([sys.argv[0], *options], lambda data: PROMISES[reader](data.decode(errors="replace")))
    atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(*sys.argv[2:])
    else:
        sys.exit(main(*map(float, sys.argv[1:2]), *sys.argv[2:]))
