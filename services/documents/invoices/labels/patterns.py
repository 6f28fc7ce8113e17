"""How labels are written down: alternatives at the beginning of a word, in any case."""

import re
from typing import Final

FLAGS: Final = re.IGNORECASE


def words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-zäöüéèàç-])(?:{'|'.join(patterns)})", FLAGS)
