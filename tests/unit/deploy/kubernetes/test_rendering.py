"""The renderer does what kustomize does, for what we use of it, and refuses the rest."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.kubernetes.__main__ import overlays
from deploy.kubernetes.merging import patched
from deploy.kubernetes.rendering import render
from shared.errors import TagwerkError

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
    made = subprocess.run(["kubectl", "kustomize", overlay], check=True, capture_output=True, text=True)
    theirs = {(r["kind"], r["metadata"]["name"]): r for r in yaml.safe_load_all(made.stdout)}
    ours = {(r["kind"], r["metadata"]["name"]): r for r in render(overlay)}
    assert ours == theirs


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
