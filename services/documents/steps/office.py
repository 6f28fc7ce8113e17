"""Have LibreOffice make a PDF of an office file: without macros, links and network, in a profile of its own.

It runs in the limited process of one document, and dies with it. What it is given was looked at before: an
office file is a ZIP, and may be a bomb.
"""

import os
import signal
import subprocess
import zipfile
from functools import partial
from pathlib import Path
from typing import Final

from services.documents.core import MAX_STREAM_BYTES
from shared.process_child import LimitExceeded, Refused, die_with_parent

#: Entries of an office file, and how far all of them together may unpack.
MAX_ENTRIES: Final = 10_000
MAX_RATIO: Final = 200
#: Below this a ratio says nothing: empty sheets pack well.
_HARMLESS: Final = 50_000_000

#: Macros never run, links to other files and to the network are never followed.
_SETTINGS: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop>
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>0</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Content/Update"><prop oor:name="Link" oor:op="fuse">
<value>2</value></prop></item>
</oor:items>
"""


def office_pdf(path: Path, extension: str, folder: Path, program: str | None) -> Path:
    """The PDF of the office file at `path`, made in `folder` by LibreOffice's `program`.

    Raises `Refused`: `office_not_available`, `office_broken`, `document_too_large`.
    """
    if program is None:
        raise Refused(
            "office_not_available",
            "office files are converted by LibreOffice, which is not installed beside the documents service",
            "Save the file as PDF and upload that; or have LibreOffice installed there (Debian: "
            "apt-get install libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui), "
            "restart the documents service, and start this job again.",
        )
    if zipfile.is_zipfile(path):
        _check_entries(path)
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_SETTINGS)
    source = folder / f"office{extension}"
    os.link(path, source)
    done = subprocess.run(
        [
            program, "--headless", "--invisible", "--norestore", "--nolockcheck", "--nodefault", "--nologo",
            f"-env:UserInstallation=file://{profile}", "--convert-to", "pdf", "--outdir", str(folder),
            str(source),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        cwd=folder,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)},
        preexec_fn=partial(die_with_parent, os.getpid()),
    )  # fmt: skip
    target = source.with_suffix(".pdf")
    if target.is_file() and target.stat().st_size:
        return target
    if done.returncode == -signal.SIGXCPU:
        raise LimitExceeded("cpu")
    said = done.stdout.decode(errors="replace").strip()
    if "bad_alloc" in said or done.returncode in (-signal.SIGABRT, -signal.SIGSEGV):
        raise LimitExceeded("memory")
    raise Refused(
        "office_broken",
        f"LibreOffice cannot open it{f': {said[-200:]}' if said else ''}",
        "Open it in the program that wrote it, save it as PDF, and upload that.",
    )


def _check_entries(path: Path) -> None:
    """From the table of contents alone; nothing is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise Refused(
            "office_broken",
            f"its parts cannot be listed: {error}",
            "Open it in the program that wrote it, save it anew, and upload that.",
        ) from error
    if len(entries) > MAX_ENTRIES:
        raise _bomb(f"it has {len(entries):,} parts, more than {MAX_ENTRIES:,}")
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, path.stat().st_size)
    if unpacked > MAX_STREAM_BYTES or (unpacked > _HARMLESS and unpacked / packed > MAX_RATIO):
        raise _bomb(f"it unpacks from {packed / 1e6:.1f} MB to {unpacked / 1e6:,.0f} MB")


def _bomb(detail: str) -> Refused:
    return Refused(
        "document_too_large",
        detail,
        "If you know its sender: open it, save it as PDF, and upload that. If not, do not open it.",
    )
