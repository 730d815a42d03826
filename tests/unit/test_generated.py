"""What is generated is up to date, and says what its source says."""

import re

import pytest
import yaml

from immune_reset.settings import leaves, settings


@pytest.fixture(scope="module")
def generate(root):
    import importlib.util

    spec = importlib.util.spec_from_file_location("generate", root / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_as_they_would_be_written(generate, root):
    for path, text in generate.generated().items():
        assert (root / path).read_text("utf-8") == text, f"{path}: run `make docs`"


def test_config_yaml_is_the_schema_s_defaults(root):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text("utf-8"))
    shipped = yaml.safe_load((root / "config.yaml").read_text("utf-8"))
    assert leaves(shipped) == leaves(settings({}, schema))


def test_conda_environments_carry_the_locked_versions(root):
    lock = dict(
        re.findall(r"^([a-z0-9-]+)==([^\s;\\]+)", (root / "requirements.lock").read_text(), re.M)
    )
    names = {"python-igraph": "igraph", "matplotlib-base": "matplotlib"}
    for path in (root / "envs").glob("*.yaml"):
        pins = yaml.safe_load(path.read_text("utf-8"))["dependencies"]
        from_pip = [pin for part in pins if isinstance(part, dict) for pin in part["pip"]]
        for pin in [p for p in pins if isinstance(p, str) and p != "pip"] + from_pip:
            name, version = pin.replace("==", "=").split("=")
            if name not in ("python", "igblast"):  # no package of the lock
                assert lock[names.get(name, name)] == version, path.name


def test_every_key_is_described(root):
    schema = yaml.safe_load((root / "workflow/schemas/config.schema.yaml").read_text("utf-8"))

    def walk(rule, name):
        assert rule.get("description"), name
        for key, child in rule.get("properties", {}).items():
            walk(child, f"{name}.{key}")
        if rule.get("type") == "object":
            assert rule["additionalProperties"] is False, name

    walk(schema, "config")


def test_the_lock_names_no_address(root):
    for name in ("requirements.lock", "requirements-lint.lock"):
        assert "://" not in (root / name).read_text("utf-8")
