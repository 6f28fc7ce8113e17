"""What the converting process serves: one document, made a PDF. See `shared.process`."""

import re
from pathlib import Path
from typing import Any, Final

import pikepdf

from services.documents.core import OFFICE_EXTENSIONS
from shared.media_types import Unsuitable, media_type_of
from shared.process_child import Refused

#: Transaction reference and opening balance (SWIFT MT940, fields 20 and 60a).
_MT940: Final = re.compile(r"^:20:.*?^:60[FM]:", re.MULTILINE | re.DOTALL)


class Converter:
    """The document at `path`, declared as `declared`; files are made in `folder`. `office` is LibreOffice's
    program, if there is one."""

    def __init__(self, path: str, declared: str, file_name: str, folder: str, office: str | None) -> None:
        self._path = Path(path)
        self._name = file_name
        self._folder = Path(folder)
        self._office = office
        try:
            self._media_type = media_type_of(self._path, declared, file_name)
        except Unsuitable as error:
            raise Refused(error.code, str(error), error.next_step) from error

    def convert(self) -> dict[str, Any]:
        """`{pdf, pages, signed, attached: [{file, name, media_type, skipped, lost}]}`; files by name in the
        folder, `pdf` None if the document is a PDF already."""
        match self._media_type:
            case "application/pdf":
                return self._checked()
            case media_type if media_type.startswith("image/"):
                return self._picture(media_type)
            case "message/rfc822" | "application/vnd.ms-outlook":
                return self._mail()
            case "text/plain":
                return self._text()
            case "text/html":
                return self._html()
            case "application/xml":
                from services.documents.steps.xml_pages import xml_pdf

                return self._made(xml_pdf(self._path, self._name, self._folder))
            case media_type:
                from services.documents.steps.office import office_pdf

                extension = OFFICE_EXTENSIONS[media_type]
                return self._made(office_pdf(self._path, extension, self._folder, self._office))

    def _checked(self) -> dict[str, Any]:
        from services.documents.steps.checks import check_pdf

        checked = check_pdf(self._path)
        return {"pdf": None, "pages": checked.pages, "signed": checked.signed, "attached": []}

    def _picture(self, media_type: str) -> dict[str, Any]:
        from services.documents.steps.pictures import picture_pdf

        target = self._folder / "pictures.pdf"
        pages = picture_pdf(self._path, media_type, target)
        return {"pdf": target.name, "pages": pages, "signed": False, "attached": []}

    def _text(self) -> dict[str, Any]:
        from services.documents.core import MAX_TEXT_CHARACTERS
        from services.documents.steps.texts import decoded
        from services.documents.steps.typesetting import Letter, text_block, too_long, typeset

        size = self._path.stat().st_size
        if size > 4 * MAX_TEXT_CHARACTERS:
            raise too_long(size)
        text = decoded(self._path.read_bytes())
        if _MT940.search(text[:8192]):
            raise Refused(
                "text_has_its_own_job",
                "it is a bank statement (MT940), no document",
                "Import it with the job integrations.import-bank-statements.",
            )
        return self._made(typeset(Letter(self._name, blocks=[text_block(text)]), self._folder))

    def _html(self) -> dict[str, Any]:
        from services.documents.steps.pages_of_html import add_html, title_of
        from services.documents.steps.typesetting import Letter, typeset

        source = self._path.read_bytes()
        letter = Letter(title_of(source) or self._name)
        add_html(letter, source, {})
        return self._made(typeset(letter, self._folder))

    def _mail(self) -> dict[str, Any]:
        from services.documents.steps.mails import read_eml
        from services.documents.steps.pages_of_html import add_html
        from services.documents.steps.typesetting import Letter, text_block, typeset

        is_eml = self._media_type == "message/rfc822"
        if is_eml:
            mail = read_eml(self._path)
        else:
            from services.documents.steps.outlook import read_msg

            mail = read_msg(self._path)
        head = list(mail.head)
        if mail.attached:
            head.append(("Attachments", ", ".join(one.name for one in mail.attached)))
        letter = Letter(mail.subject or self._name, head)
        if mail.html is not None and mail.html.strip():
            add_html(letter, mail.html, mail.inline)
        if not letter.blocks and mail.text is not None:
            letter.blocks.append(text_block(mail.text))
        attached = []
        for number, one in enumerate(mail.attached, start=1):
            file = self._folder / f"attached-{number}"
            file.write_bytes(one.data)
            attached.append(
                {
                    "file": file.name, "name": one.name, "media_type": one.media_type,
                    "skipped": one.skipped, "lost": one.lost,
                }
            )  # fmt: skip
        return self._made(typeset(letter, self._folder)) | {"attached": attached}

    def _made(self, target: Path) -> dict[str, Any]:
        with pikepdf.open(target) as pdf:
            pages = len(pdf.pages)
        return {"pdf": target.name, "pages": pages, "signed": False, "attached": []}
