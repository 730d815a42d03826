"""The language of the report and its figures: English texts are the keys of one catalogue.

A catalogue has sections, each a mapping of English to the other language. A text with
`{name}` placeholders is a pattern: what stands in their place is itself translated where the
catalogue knows it. `{n}`, `{n2}`, ... take a number alone, every other name any text of one line.
`use` sets the language of the script that runs; in English nothing changes.
"""

import re
import unicodedata
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any

from immune_reset.errors import at

Catalogue = Mapping[str, Mapping[str, str]]
ENGLISH = "en"
PLACEHOLDER = re.compile(r"\{([a-z_]\w*)\}")
NUMBER = r"[-−+]?\d[\d.,]*"
HAN = "\u3400-\u9fff"
TOUCHING = re.compile(rf"(?<=[{HAN}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{HAN}])")
APART = re.compile(rf"(?<=[{HAN}]) (?=[{HAN}])")
SIGNS = ("\n", "; ", ", ")  # between lines, the sentences of a reason, the words of a list
WIDE = 1.6  # width of a Chinese character, in letters of the same size

_code = ENGLISH
_exact: dict[str, str] = {}
_patterns: list[tuple[re.Pattern[str], str]] = []
_fonts: tuple[str, ...] = ()


def use(code: str, catalogue: Catalogue | None, fonts: Sequence[str] = ()) -> None:
    """Set the language of the script that runs; `fonts`: files with the letters it needs."""
    global _code, _fonts
    _code, _fonts = code, tuple(fonts)
    _exact.clear()
    _patterns.clear()
    if code == ENGLISH or not catalogue:
        return
    texts = {key: text for part in catalogue.values() for key, text in part.items()}
    patterns = {key for key in texts if PLACEHOLDER.search(key)}
    _exact.update(texts)
    longest = sorted(patterns, key=lambda key: (-len(PLACEHOLDER.sub("", key)), key))
    _patterns.extend((_pattern(key), texts[key]) for key in longest)


def code() -> str:
    """Return the language in use: en, zh."""
    return _code


def fonts() -> tuple[str, ...]:
    """Return the font files of the language in use."""
    return _fonts


def said(text: str) -> str:
    """Return a text in the language in use: as it stands in the catalogue, else by a pattern.

    Of several patterns the one with the most letters of its own is taken; in what it gives, a
    space stands between Chinese and Latin letters and none between two Chinese ones. Lines that
    the catalogue does not know together are translated one by one, and so are the parts of a list
    (parted by "; " or ", "), first of all where it knows every one; a text that it does not know is
    returned.
    """
    if _code == ENGLISH or not text:
        return text
    if text in _exact:
        return _exact[text]
    for sign in SIGNS:
        parts = text.split(sign)
        known = (part in _exact or (sign != ", " and said(part) != part) for part in parts)
        if len(parts) > 1 and all(known):
            return _exact.get(sign, sign).join(said(part) for part in parts)
    for pattern, target in _patterns:
        if match := pattern.fullmatch(text):
            own = {name: said(part) for name, part in match.groupdict().items()}
            filled = PLACEHOLDER.sub(lambda found, own=own: own[found[1]], target)
            return TOUCHING.sub(" ", APART.sub("", filled))
    for sign in SIGNS:
        parts = text.split(sign)
        if len(parts) > 1 and (told := [said(part) for part in parts]) != parts:
            return _exact.get(sign, sign).join(told)
    return text


def all_said(value: Any, but: Collection[str] = ()) -> Any:
    """Return a nesting of lists and dictionaries with its texts said, but for the keys in `but`."""
    if isinstance(value, str):
        return said(value)
    if isinstance(value, Mapping):
        return {key: part if key in but else all_said(part, but) for key, part in value.items()}
    return [all_said(part, but) for part in value] if isinstance(value, list) else value


def letters(text: str) -> float:
    """Return how wide a text is in the language in use, in Latin letters."""
    if _code == ENGLISH:
        return len(text)
    return sum(WIDE if _wide(sign) else 1 for sign in said(text))


def lacking(text: str, known: Container[int]) -> set[str]:
    """Return the Chinese characters of a text whose codes a font does not have."""
    return {sign for sign in text if _wide(sign) and ord(sign) not in known}


def folded(text: str, width: float) -> str:
    """Return a text with line breaks after `width` letters where it has no spaces to break at.

    No line begins with a closing sign. A text of Latin letters is returned as it is.
    """
    lines, room = [""], width
    for sign in text:
        room -= WIDE if _wide(sign) else 1
        if room < 0 and _wide(sign) and sign not in "，。；：、）":
            lines, room = [*lines, ""], width - WIDE
        lines[-1] += sign
    return "\n".join(lines)


def without(catalogue: Catalogue, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return a catalogue that leaves names as they are: a patient may be called B, or new."""
    kept = set(names)
    return {
        title: {key: text for key, text in part.items() if key not in kept}
        for title, part in catalogue.items()
    }


def load(text: str, place: str = "catalogue") -> dict[str, dict[str, str]]:
    """Return the catalogue of a YAML text: {section: {English: the other language}}.

    Every key and text is taken as written ("no" and "3" are words). An entry may stand in two
    sections if both say the same.

    Raises
    ------
    InputError
        Names the line and the key: a section that is no mapping, a text that is no line, a key
        that stands twice, or placeholders that differ on both sides.
    """
    import yaml

    root = yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    if not isinstance(root, yaml.MappingNode):
        raise at(place, "there is no section", "Give sections of English: translation")
    found: dict[str, dict[str, str]] = {}
    seen: dict[str, tuple[str, str, int]] = {}
    for section, part in root.value:
        if not isinstance(part, yaml.MappingNode):
            line = section.start_mark.line + 1
            raise at(place, f"line {line}: {section.value!r} is no mapping", "Give it entries")
        own = found.setdefault(section.value, {})
        for key, value in part.value:
            line = key.start_mark.line + 1
            own[key.value] = _checked(key, value, section.value, seen, f"{place}, line {line}")
            seen[key.value] = (section.value, own[key.value], line)
    return found


def _checked(key, value, section: str, seen: Mapping, place: str) -> str:
    """Return the text of one entry, after every check of `load`."""
    if not all(
        isinstance(getattr(node, "value", None), str) and node.value for node in (key, value)
    ):
        raise at(place, "an entry is no pair of two texts", "Write it as English: translation")
    english, text = key.value, value.value
    if english in seen:
        other, known, line = seen[english]
        if other == section:
            raise at(place, f"{english!r} stands already in line {line}", "Keep one")
        if known != text:
            found = f"{english!r} is {text!r} here and {known!r} in line {line}"
            raise at(place, found, "Give it one translation")
    names = [set(PLACEHOLDER.findall(side)) for side in (english, text)]
    if names[0] != names[1]:
        found = f"{english!r} and {text!r} differ in their placeholders"
        raise at(place, found, f"Both need {', '.join(sorted(names[0])) or 'none'}")
    if names[0] and not PLACEHOLDER.sub("", english).strip():
        raise at(place, f"{english!r} has no word of its own", "It would match every text")
    return text


def _pattern(key: str) -> re.Pattern[str]:
    """Return the pattern of a key; a placeholder that stands twice takes the same twice."""
    parts, seen = [], set()
    for i, part in enumerate(PLACEHOLDER.split(key)):
        if i % 2 == 0:
            parts.append(re.escape(part))
        else:
            any_text = NUMBER if re.fullmatch(r"n\d*", part) else ".+?"
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>{any_text})")
            seen.add(part)
    return re.compile("".join(parts))


def _wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"
