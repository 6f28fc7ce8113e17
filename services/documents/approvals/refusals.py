"""Refused steps that name fields or roles, so that a page can show them where they belong."""

from collections.abc import Mapping, Sequence

from shared.commands import Refusal, StepTaken, WrongValue
from shared.errors import TagwerkError


class StepRefused(TagwerkError):
    """A step that was not taken. `fields`: field -> what is wrong with it."""

    def __init__(
        self,
        code: str,
        cause: str,
        *,
        next_step: str,
        concern: str,
        client: str,
        fields: Mapping[str, str] | None = None,
        roles_wanted: Sequence[str] = (),
    ) -> None:
        super().__init__(code, cause, next_step=next_step, concern=concern)
        self.client = client
        self.fields = dict(fields or {})
        self.roles_wanted = list(roles_wanted)

    def as_answer(self) -> StepTaken:
        fields = [WrongValue(field=field, message=message) for field, message in self.fields.items()]
        return StepTaken(
            refusal=Refusal(
                failure=self.failure, client=self.client, fields=fields, roles_wanted=self.roles_wanted
            )
        )
