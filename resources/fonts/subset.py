"""Cut the shipped fonts out of Noto Sans SC: `python resources/fonts/subset.py FOLDER`.

FOLDER is the unpacked npm package @expo-google-fonts/noto-sans-sc (README.md says which version).
Kept is what workflow/report/languages/ needs, and in the regular weight, which a user's own words
are drawn with too, the 3755 common characters of GB 2312 (its level 1).
"""

import base64
import io
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

FONTS = Path(__file__).resolve().parent
LANGUAGES = FONTS.parents[1] / "workflow" / "report" / "languages"
REGULAR, BOLD = "NotoSansSC-Regular.ttf.base64", "NotoSansSC-Bold.ttf.base64"
SOURCES = {
    REGULAR: "400Regular/NotoSansSC_400Regular.ttf",
    BOLD: "700Bold/NotoSansSC_700Bold.ttf",
}
PUNCTUATION = "　、。·ˉˇ—～…‘’“”〔〕〈〉《》「」『』【】！（），．：；？＋－％／×→←↑↓"


def common_characters() -> set[str]:
    """Return the 3755 characters of GB 2312, level 1: rows 16 to 55."""
    codes = (bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return set("".join(code.decode("gb2312", errors="ignore") for code in codes))


def characters(name: str) -> set[str]:
    """Return every character that a font is to have."""
    texts = [path.read_text("utf-8") for path in sorted(LANGUAGES.glob("*.yaml"))]
    wanted = {sign for text in texts for sign in text if sign.isprintable()} | set(PUNCTUATION)
    return wanted | (common_characters() if name == REGULAR else set())


def cut(source: Path, target: Path, wanted: set[str]) -> None:
    """Write the font `source` with the wanted characters alone, the same text each time."""
    font = TTFont(source, recalcTimestamp=False)
    options = Options(layout_features=[], hinting=False, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
    options.drop_tables += ["STAT", "vhea", "vmtx", "BASE", "GDEF", "GPOS", "GSUB"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[ord(sign) for sign in wanted])
    subsetter.subset(font)
    made = io.BytesIO()
    font.save(made)
    target.write_bytes(base64.encodebytes(made.getvalue()))


def main(folder: str) -> None:
    """Write both fonts, and say how large they are."""
    for name, source in SOURCES.items():
        cut(Path(folder) / source, FONTS / name, characters(name))
        sys.stdout.write(f"{name}: {(FONTS / name).stat().st_size / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main(sys.argv[1])
