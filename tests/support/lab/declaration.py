from shared.declaration import Declaration
from tests.support.lab.broken import BROKEN
from tests.support.lab.jobs import JOBS

DECLARATION = Declaration("lab", jobs=[*JOBS, *BROKEN])
