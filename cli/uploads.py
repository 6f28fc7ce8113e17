"""One file on its way in: what the gateway made of it, a document or a reason why not."""

from pathlib import Path
from typing import Any

from cli.answers import UploadedFile
from cli.client import Gateway, shown_name
from cli.problems import problem_of_answer


async def send_file(
    gateway: Gateway, file: Path, *, client: str | None, interactive: bool = True
) -> UploadedFile:
    """Upload `file`. A file that is refused for itself is an answer; anything else raises `Problem`."""
    body = await gateway.upload(file, client=client, interactive=interactive)
    (sent,) = body["files"]
    return _uploaded(sent, shown_name(file))


def _uploaded(sent: dict[str, Any], name: str) -> UploadedFile:
    refused = sent.get("problem")
    if refused is None:
        return UploadedFile.model_validate(sent)
    problem = problem_of_answer(int(refused.get("status", 422)), refused, name)
    return UploadedFile(file_name=name, failure=problem.failure)
