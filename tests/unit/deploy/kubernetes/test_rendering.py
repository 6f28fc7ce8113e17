"""The renderer does what kustomize does, for what we use of it, and refuses the rest."""

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kubernetes.__main__ import EXPECTED, faults, overlays
from deploy.kubernetes.merging import patched
from deploy.kubernetes.rendering import read, render
from shared.errors import TagwerkError

ROOT = Path(__file__).parents[4]
POD: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "ocr", "labels": {"team": "a"}},
    "spec": {
        "template": {
            "metadata": {"labels": {"app": "ocr"}},
            "spec": {
                "containers": [{"name": "service", "image": "tagwerk", "env": [{"name": "A", "value": "1"}]}]
            },
        }
    },
}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed here to compare with")
@pytest.mark.parametrize("overlay", overlays(), ids=lambda overlay: overlay.name)
def test_an_overlay_renders_as_kubectl_renders_it(overlay: Path) -> None:
    assert by_name(render(overlay)) == by_name(rendered_by_kubectl(overlay))


def test_a_patch_merges_maps_and_named_lists_and_takes_away_what_is_null() -> None:
    container = {"name": "service", "image": "other", "env": [{"name": "B", "value": "2"}]}
    patch = {
        "metadata": {"name": "ignored", "labels": {"team": None, "tier": "back"}},
        "spec": {"template": {"spec": {"containers": [container], "volumes": [{"name": "tmp"}]}}},
    }
    merged = patched(POD, patch)
    assert merged["metadata"] == {"name": "ocr", "labels": {"tier": "back"}}
    pod = merged["spec"]["template"]["spec"]
    assert pod["volumes"] == [{"name": "tmp"}]
    (service,) = pod["containers"]
    assert service["image"] == "other"
    assert sorted(variable["name"] for variable in service["env"]) == ["A", "B"]
    # What it was made of is as it was.
    assert POD["metadata"]["labels"] == {"team": "a"}


def test_a_patch_replaces_lists_of_kinds_that_are_not_kubernetes_own() -> None:
    scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "a"}}
    merged = patched({**scaled, "spec": {"env": [{"name": "A"}]}}, {"spec": {"env": [{"name": "B"}]}})
    assert merged["spec"]["env"] == [{"name": "B"}]


def written(folder: Path, kustomization: dict[str, Any], **files: str) -> Path:
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    (folder / "pod.yaml").write_text(yaml.safe_dump(POD))
    for name, text in files.items():
        (folder / f"{name}.env").write_text(text)
    return folder


def test_a_changed_setting_changes_the_name_by_which_pods_read_it(tmp_path: Path) -> None:
    what = {"resources": ["pod.yaml"], "configMapGenerator": [{"name": "settings", "envs": ["settings.env"]}]}
    names = set()
    for text in ("A=1\n# said before\n", "A=2"):
        configuration = render(written(tmp_path, what, settings=text))[-1]
        assert configuration["data"] == {"A": text[2]}
        names.add(configuration["metadata"]["name"])
    assert len(names) == 2
    assert all(name.startswith("settings-") for name in names)


@pytest.mark.parametrize(
    "kustomization",
    [
        {"helmCharts": []},
        {"patches": [{"patch": "[{op: remove, path: /spec}]"}]},
        {"resources": ["pod.yaml"], "patches": [{"patch": "{kind: Job, metadata: {name: ocr}}"}]},
        {"configMapGenerator": [{"name": "a", "literals": ["A=1"]}]},
        {"configMapGenerator": [{"name": "a", "behavior": "merge", "envs": ["a.env"]}]},
        {"resources": ["pod.yaml"], "patches": [{"patch": "{a: b}", "target": {"namespace": "a"}}]},
    ],
)
def test_what_it_does_not_know_is_refused_by_name(tmp_path: Path, kustomization: dict[str, Any]) -> None:
    with pytest.raises(TagwerkError) as refused:
        render(written(tmp_path, kustomization, a="A=1"))
    assert refused.value.failure.code == "kustomization_unsupported"
    assert refused.value.failure.concern == str(tmp_path / "kustomization.yaml")


def test_an_overlay_of_ones_own_as_the_guide_writes_it_has_no_faults(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "kubernetes.md").read_text()
    found = re.search(r"```yaml\n(.*?)```", guide, re.DOTALL)
    assert found is not None
    overlay = tmp_path / "muster"
    overlay.mkdir()
    base = os.path.relpath(ROOT / "k8s", tmp_path)
    text = (
        textwrap.dedent(found[1]).replace("../k8s/", f"../{base}/").replace("sha256:…", f"sha256:{'1' * 64}")
    )
    (overlay / "kustomization.yaml").write_text(text)
    (overlay / "settings.env").write_text("TAGWERK_PUBLIC_URL=https://tagwerk.muster.ch\n")
    rule = {"host": "tagwerk.muster.ch", "http": {"paths": [path_to("gateway")]}}
    spec = {"tls": [{"hosts": ["tagwerk.muster.ch"], "secretName": "tagwerk-example"}], "rules": [rule]}
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "gateway"}}
    (overlay / "ingress.yaml").write_text(yaml.safe_dump({**ingress, "spec": spec}))
    resources = render(overlay)
    assert faults(resources, read(EXPECTED)) == []
    (gateway,) = (r for r in resources if (r["kind"], r["metadata"]["name"]) == ("Deployment", "gateway"))
    image = gateway["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"registry.muster.ch/tagwerk@sha256:{'1' * 64}"
    (entry,) = (r["spec"]["rules"] for r in resources if r["kind"] == "Ingress")
    assert entry == [rule]
    if shutil.which("kubectl") is not None:
        assert by_name(resources) == by_name(rendered_by_kubectl(overlay))


def path_to(service: str) -> dict[str, Any]:
    backend = {"service": {"name": service, "port": {"name": "https"}}}
    return {"path": "/", "pathType": "Prefix", "backend": backend}


def by_name(resources: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(resource["kind"], resource["metadata"]["name"]): resource for resource in resources}


def rendered_by_kubectl(overlay: Path) -> list[dict[str, Any]]:
    made = subprocess.run(["kubectl", "kustomize", overlay], check=True, capture_output=True, text=True)
    return list(yaml.safe_load_all(made.stdout))
