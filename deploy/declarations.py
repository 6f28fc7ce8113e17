"""What a service says that it needs, from its module: for the steps of a deployment that read them all."""

import importlib
import importlib.util

from shared.declaration import Declaration
from shared.errors import TagwerkError


def declaration_of(module: str) -> Declaration:
    """The `DECLARATION` of a service: in its package's `declaration.py`, or beside its module.

    Raises `TagwerkError` (`service_unknown`, `declaration_missing`).
    """
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        spec = None
    if spec is None:
        raise TagwerkError(
            "service_unknown",
            f"there is no Python module {module}.",
            concern=module,
            next_step="Name the module of a service, as in lab=tests.support.lab.",
        )
    package = module if spec.submodule_search_locations else module.rpartition(".")[0]
    try:
        found = importlib.import_module(f"{package}.declaration").DECLARATION
    except (ModuleNotFoundError, AttributeError) as error:
        raise TagwerkError(
            "declaration_missing",
            f"{module} does not say what it needs: {error}",
            concern=module,
            next_step=f"Write {package}/declaration.py with DECLARATION = Declaration(...).",
        ) from error
    if not isinstance(found, Declaration):
        raise TypeError(f"{package}.declaration.DECLARATION is a {type(found).__name__}")
    return found
