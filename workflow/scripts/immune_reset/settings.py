"""The configuration: typed by its schema, filled with the schema's defaults, refused by name."""

import difflib
import math
from collections import Counter
from pathlib import Path
from typing import Any

from immune_reset.errors import InputError, at


def settings(config: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Return `config` with every key of `schema`: the user's value typed, or the default.

    Parameters
    ----------
    config
        Nested dictionary as read from YAML or from `--config` (where numbers may be text).
    schema
        JSON schema of config.yaml.

    Raises
    ------
    InputError
        Names the key, what was found and what is allowed.
    """
    return _section(config, schema, "", schema)


def check_keys(text: str, place: str | Path) -> None:
    """Refuse a configuration (YAML) in which a key stands twice: the last is kept, silently.

    Raises
    ------
    InputError
        Names the key and the line where it stands again.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    parts, seen = [yaml.compose(text, loader)], set()
    for node in parts:
        if isinstance(node, yaml.MappingNode) and id(node) not in seen:
            seen.add(id(node))  # an anchor may be used many times, and inside itself
            times = Counter(key.value for key, _ in node.value if isinstance(key.value, str))
            for key, value in node.value:
                if isinstance(key.value, str) and times[key.value] > 1:
                    again = [k.start_mark.line + 1 for k, _ in node.value if k.value == key.value]
                    found = (
                        f"the key '{key.value}' stands twice, in lines {again[0]} and {again[1]}"
                    )
                    raise at(place, found, "keep one: of two, the first would be lost")
                parts.append(value)


def leaves(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the configuration flat: {"qc.min_genes": 200, ...}, sorted by key."""
    flat: dict[str, Any] = {}
    for key in sorted(config):
        value = config[key]
        if isinstance(value, dict):
            flat.update(leaves(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _section(
    config: Any, schema: dict[str, Any], prefix: str, whole: dict[str, Any]
) -> dict[str, Any]:
    if config is None:
        config = {}
    if not isinstance(config, dict):
        raise at(
            f"configuration, {prefix.rstrip('.')}",
            f"found {config!r}, which is not a section",
            "write its keys indented below it, or leave it out",
        )
    known = schema["properties"]
    for key in config:
        if key not in known:
            raise _unknown(prefix + str(key), [prefix + name for name in known], whole)
    filled = {}
    for key, rule in known.items():
        if rule.get("type") == "object":
            filled[key] = _section(config.get(key), rule, f"{prefix}{key}.", whole)
        else:
            filled[key] = _value(config.get(key, rule["default"]), rule, prefix + key)
    return filled


def _unknown(key: str, known: list[str], whole: dict[str, Any]) -> InputError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    elsewhere = [f"'{name}'" for name in _names(whole) if name.endswith(f".{key.split('.')[-1]}")]
    if elsewhere:
        hint = f"did you mean {' or '.join(elsewhere)}?"
    else:
        hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
    return InputError(f"configuration: unknown key '{key}'; {hint}")


def _names(schema: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the names of all keys that hold a value."""
    names = []
    for key, rule in schema["properties"].items():
        below = rule.get("type") == "object"
        names += _names(rule, f"{prefix}{key}.") if below else [prefix + key]
    return names


def _value(value: Any, rule: dict[str, Any], key: str) -> Any:
    typed = as_type(value, rule)
    fault = first_fault(typed, rule)
    if fault:
        raise at(
            f"configuration, {key}", f"found {value!r}: {fault}", f"it is: {rule['description']}"
        )
    return typed


def first_fault(value: Any, rule: dict[str, Any]) -> str:
    """Return what is wrong with `value` by JSON schema `rule`, in words, or ""."""
    from jsonschema import Draft202012Validator

    if isinstance(value, float) and not math.isfinite(value):
        return f"{value!r} is not finite"
    fault = next(Draft202012Validator(rule).iter_errors(value), None)
    return "" if fault is None else fault.message


def as_type(value: Any, rule: dict[str, Any]) -> Any:
    """Return `value` in the type that `rule` names, where it can be read so.

    Text from the command line becomes a number or a truth value, a whole float an integer, and
    an integer a float where the schema says number: 5 and 5.0 are the same setting.
    """
    types = rule.get("type", [])
    types = [types] if isinstance(types, str) else types
    if isinstance(value, str) and "string" not in types:
        value = _from_text(value, types)
    if isinstance(value, bool):
        return value
    if "integer" in types and isinstance(value, float) and value.is_integer():
        return int(value)
    if "number" in types and isinstance(value, int):
        return float(value)
    if "array" in types and isinstance(value, list):
        return [as_type(item, rule.get("items", {})) for item in value]
    return value


def _from_text(text: str, types: list[str]) -> Any:
    plain = text.strip().lower()
    if "boolean" in types and plain in ("true", "false"):
        return plain == "true"
    if "null" in types and plain in ("", "null", "none", "~"):
        return None
    if "integer" in types or "number" in types:
        try:
            return float(text) if "number" in types else int(text)
        except ValueError:
            return text
    return text
