"""Files on their way in: a document, or a reason why it is none; and files that a job is to read."""

from pathlib import Path
from typing import Any

from cli.answers import UploadedFile
from cli.client import Gateway, shown_name
from cli.parameters import Schema, file_parameters
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


async def send_files_of(
    gateway: Gateway, parameters: dict[str, Any], schema: Schema, *, client: str | None
) -> dict[str, Any]:
    """The parameters, with each `@path` of one that is a file replaced by the reference of its upload."""
    sent = {
        name: (await gateway.keep_file(path, client=client))["reference"]
        for name, path in file_parameters(parameters, schema).items()
    }
    return parameters | sent
