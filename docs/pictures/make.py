"""Makes the pictures of the README from what really happens: `python docs/pictures/make.py`.

A stack of its own is started in a temporary folder, the commands run in a terminal, and what they wrote
becomes `terminal.svg`. With a Chromium on the path, the report of a demo becomes `report.png`, and the page
of a run that failed `run.png`.
"""

import fcntl
import io
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TAGWERK = Path(sys.executable).with_name("tagwerk")
COLUMNS = 104


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        subprocess.run([TAGWERK, "demo", "--state", state], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        screenshot((state / "demo-report.html").as_uri(), HERE / "report.png", height=1400)
        shutil.rmtree(state)
        with stack(state):
            sample = "samples/qr-bill-scanned.pdf"
            shown = [("upload", sample, "--wait"), ("approvals",)]
            written = [(words, in_terminal(state, *words)) for words in shown]
            analysis = ("runs", "--job", "documents.analyse-invoice", "--json")
            run = json.loads(in_terminal(state, *analysis))["items"][0]["run_id"]
            written.append((("run", run[:8]), in_terminal(state, "run", run[:8])))
            draw(written, HERE / "terminal.svg")
            broken = Path(folder) / "invoice-4711.pdf"
            broken.write_bytes((ROOT / sample).read_bytes()[:9000])
            in_terminal(state, "upload", str(broken), "--wait")
            signed_in = json.loads((state / "credentials.json").read_text())
            failed = json.loads(in_terminal(state, "runs", "--state", "failed", "--json"))["items"][0][
                "run_id"
            ]
            screenshot(f"{signed_in['url']}/runs/{failed}", HERE / "run.png", token=signed_in["token"])


class stack:
    """`tagwerk up` in the background."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def __enter__(self) -> None:
        command = [str(word) for word in (TAGWERK, "up", "--state", self._state, "--quiet")]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.lstrip().startswith("Stop"):
                return
        raise SystemExit("the stack did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(60)


def in_terminal(state: Path, *words: str) -> str:
    """What a command writes to a terminal of its own, with its colors."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.environ |= {"TERM": "xterm-256color", "TAGWERK_STATE": str(state), "COLUMNS": str(COLUMNS)}
        os.execv(TAGWERK, ["tagwerk", *words])  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    written = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            break
        if not piece:
            break
        written += piece
    os.waitpid(child, 0)
    return settled(written)


def settled(written: bytes) -> str:
    """The lines that are left when every cursor movement is done: bars are drawn over and over."""
    lines: list[str] = [""]
    row = 0
    for piece in re.split(r"(\x1b\[\d*A|\x1b\[2K|\x1b\[\?25[lh]|\r\n|\r|\n)", written.decode()):
        if up := re.fullmatch(r"\x1b\[(\d*)A", piece):
            row -= int(up[1] or 1)
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif piece in ("\r\n", "\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece and piece != "\r" and not piece.startswith("\x1b[?"):
            lines[row] += piece
    return "\n".join(lines)


def draw(written: list[tuple[tuple[str, ...], str]], target: Path) -> None:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for words, output in written:
        console.print(Text.assemble(("$ ", "bold green"), f"tagwerk {' '.join(words)}"))
        console.print(Text.from_ansi(output.rstrip()))
        console.print()
    # No font from elsewhere: the reader's own monospaced one.
    without_fonts = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="Tagwerk", theme=MONOKAI, code_format=without_fonts, unique_id="tagwerk")
    target.write_text(svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace"))
    print(f"{target}: {target.stat().st_size:,} bytes")


def screenshot(page: str, target: Path, *, height: int = 900, token: str | None = None) -> None:
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print(f"No Chromium: {target.name} stays as it is.")
        return
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        context = browser.new_context(
            viewport={"width": 1240, "height": height},
            extra_http_headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        shown = context.new_page()
        shown.goto(page)
        shown.screenshot(path=target)
        browser.close()
    # A scanned page is full of noise, and a README is loaded often.
    Image.open(target).quantize(192, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
