"""What Chinese asks of a line of type, where names and numbers stand between its characters."""

import re

from immune_reset import language

HAN = "\u4e00-\u9fff"
CHINESE = re.compile(rf"[{HAN}]")
FULL = "。，；：、）】」！？"
RULES = [
    (re.compile(r"(?<=\d)[ \u00a0]%"), "%"),
    (re.compile(rf"(?<=[{HAN}）」]), (?=\S)"), "、"),
    (re.compile(rf"(?<=[{HAN}）」]); "), "；"),
    (re.compile(rf"(?<=[{HAN}）」]): "), "："),
    (re.compile(rf"([{FULL}](?:</(?:strong|span)>)?) +(?=\S)"), r"\1"),
    (re.compile(rf" +(?=[{FULL}（])"), ""),
]
"""Expressions and what takes their place, one after the other."""


def breadth(text: str) -> str:
    """Return the class of a table's cell: " whole" stays on a line, " wide" asks for room.

    A Chinese character takes the room of two others, and no blank says where a line may end.
    """
    width = len(text) + len(CHINESE.findall(text))
    whole = width < 22 or (" " not in text and width == len(text))
    return " whole" if whole else " wide" if width > 50 else ""


def spaced(text: str) -> str:
    """Return a text with a blank between Chinese and Latin letters, where it is Chinese."""
    return text if language.code() == language.ENGLISH else language.TOUCHING.sub(" ", text)


def chinese(html: str) -> str:
    """Return a page with what was put together in the English manner set in the Chinese one.

    No blank before a percent sign nor beside a full-width one, and full-width signs behind Chinese.
    """
    for pattern, sign in RULES:
        html = pattern.sub(sign, html)
    return html
