"""Import every module of the services once, so that Python keeps what it compiled of them and of libraries.

Run while the image is built, with `PYTHONPYCACHEPREFIX`: services on a read-only root start earlier, and of
the libraries only what is used takes room.
"""

import importlib
import pkgutil

import services
import shared

#: What containers run besides.
STEPS = ("deploy.container_secrets", "deploy.migrate", "deploy.provision", "deploy.local.commands")

for package in (services, shared):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
for step in STEPS:
    importlib.import_module(step)
