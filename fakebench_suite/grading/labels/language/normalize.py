"""Normalize a reply to plain words: without markup, contractions and typographic variants."""

import re
import unicodedata

from fakebench_suite.grading.labels.language.chinese import gloss_chinese

_LATEX = re.compile(r"\\(?:text\w*|mathrm|mathbf|boxed) *|\\[\[\]()]")
_TICKED_ANSWER = re.compile(r"\b(yes|no)(\W{0,3})[✅❌✔✘☑✗]")
_STRUCK_OUT = re.compile(r"~~.*?~~", re.DOTALL)
_TAG = re.compile(r"<\|[^|<>]{0,60}\|>|</?[a-z]\w{0,60}>")
_TICK = re.compile(r"[\[☐☑☒□⬜✅❌✔✘✗]")
_UNTICKED = re.compile(r"^ *[-*]? *(?:\[ *\]|☐|□|⬜)(?!.*[\[☐☑☒□]).*$", re.MULTILINE)
_TICKED = re.compile(r"^ *[-*]? *(?:\[ *[x✓✔] *\]|☑|☒|✅|✔️?) *(?=\S)", re.MULTILINE)
_CROSSED_NEGATION = re.compile(
    r"[❌✗✘✖×][ *_]*(?=(?:no|not|fake|ai|synthetic|artificial|generated)\b)"
)
_ANSWER_KIND = re.compile(
    r"\((?:binari[sz]ed|binary|final|forced(?: choice)?|one word)\)(?=[*_ ]*:)"
)
"""An aside after a heading that names the kind of answer."""
_CHOICES = re.compile(r"\( ?(?:fake|real|yes|no) ?(?:or|/) ?(?:fake|real|yes|no) ?\)")
_SCALE_ASIDE = re.compile(r"\([^()\n]{0,80}\d ?(?:=|means?|being|is) ?[^()\n]{0,80}\)")
_SPACED_SCALE_ASIDE = re.compile(f" ?{_SCALE_ASIDE.pattern}")
"""An aside that explains a scale, "(10 = certainly fake)", with the space before it."""
_OPTION_LETTERS = tuple((mark, re.compile(rf"{mark}\(?[a-d][.)] ")) for mark in (": ", "= "))
"""The letter of an option after a colon or an equals sign: "answer: b) fake"."""
_BULLET = re.compile(r"(?:[-•+–—●▪✓☑]|\(?(?:\d{1,2}|[a-z])[.)](?= )|a:) *")
_ROLE = re.compile(r"(?:assistant|model|bot|gpt) ?(?:: *(?=\S)|$)|ai ?: *(?=\S)")
_SPEAKER = re.compile(
    r"(?:expert|analyst|examiner|reviewer|speaker|host|interviewer|inspector|agent)"
    r"(?: [a-z0-9])?: *(?=\S)"
)
_ITS = re.compile(r"\Aits (?=an? |not |fake|real)")
_MAY_HAVE_PREFIX = re.compile(
    r"[-•+–—●▪✓☑(0-9]|.[.):]|assistant|model|bot|gpt|ai|its |expert|analyst|examiner|reviewer"
    r"|speaker|host|interviewer|inspector|agent"
)
"""Beginnings of lines that may have a prefix to remove."""
_QUOTED = re.compile(r'"([^"\n]{1,400})"')
_WORD = re.compile(r"\w\S*")
_SINGLE = re.compile(r"'(?:(?<!\w')|(?!\w))")
_LETTERS = {
    "‘": "'", "’": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "「": '"', "」": '"', "«": '"',
    "»": '"', "‐": "-", "‑": "-", "–": " - ", "—": " - ", "―": " - ", "→": " = ", "…": " ... ",
}  # fmt: skip
_LETTER = re.compile(f"[{''.join(_LETTERS)}]")
_SPACES = re.compile(r" {2,}")
_BLANKS = "\t\r\x0b\x0c"
_MARKS = "*`#>{}$\\"
_IS = re.compile(
    r"'s\b(?:(?<=\bit's)|(?<=\b(?:all|one)'s)|(?<=\b(?:that|this|here|what)'s)"
    r"|(?<=\b(?:there|which)'s)|(?<=\banswer's)|(?<=\bverdict's))"
)
"""An "'s" that is a verb; any other is a genitive. The pattern begins with a literal, for speed."""
_ENDINGS = {"n't": " not", "'s": "", "'m": " am", "'re": " are", "'d": " would", "'ll": " will",
            "'ve": " have"}  # fmt: skip
_ENDING = re.compile(r"'(?:s|m|re|d|ll|ve)\b")
_BARE_CONTRACTION = re.compile(
    r"nt\b(?:(?<=\bisnt)|(?<=\bwasnt)|(?<=\bdoesnt)|(?<=\bdidnt)|(?<=\barent)|(?<=\bdont)"
    r"|(?P<can>(?<=\bcant)))"
)
"""The end of a contraction without apostrophe. The pattern begins with literals, for speed."""
_DOMAINS = (".ai", ".com", ".org", ".net", ".io", ".png", ".jp", ".webp")
_SITE = re.compile(
    r"\b(?!(?:real|fake|authentic|genuine|yes|no|image|photo)\.ai)"
    r"[a-z0-9][\w-]*(?:\.[a-z0-9][\w-]*)*\.(?:ai|com|org|net|io|png|jpe?g|webp)(?![\w-])"
)
"""The name of a site or a file, whose parts say nothing about the image. "It looks real.AI images
..." is two sentences."""


def clean_text(text: str) -> str:
    """Return the text in lower case without markup, contractions and quotations.

    Each line is one paragraph. A quotation of three or more words is another person's sentence and
    becomes one unknown word. Rare characters are searched for before the patterns that need them,
    because most replies have none.
    """
    plain = _drop_markup((text if text.isascii() else _fold(text)).lower())
    if "  " in plain:
        plain = _SPACES.sub(" ", plain)
    if any(domain in plain for domain in _DOMAINS):
        plain = _SITE.sub("website", plain)
    plain = "\n".join(filter(None, map(_strip_line_prefix, plain.splitlines())))
    for sign, option in _OPTION_LETTERS:
        if sign in plain:
            plain = option.sub(sign, plain)
    if not plain.isascii():
        plain = gloss_chinese(plain)
    if '"' in plain:
        plain = _QUOTED.sub(_drop_quotation, plain).replace('"', "")
    plain = _expand_contractions(plain)
    if "  " not in plain and " \n" not in plain and "\n " not in plain:
        return plain.strip()
    lines = [" ".join(line.split()) for line in plain.splitlines()]
    return "\n".join(line for line in lines if line)


def _fold(text: str) -> str:
    """Return the text with one spelling of quotation marks, dashes and full-width letters."""
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", _LETTER.sub(_fold_letter, text))
    return _LETTER.sub(_fold_letter, text)


def _fold_letter(match: re.Match[str]) -> str:
    return _LETTERS[match[0]]


def _drop_markup(plain: str) -> str:
    """Remove Markdown, LaTeX, tags, ticks, struck-out text and asides."""
    plain = _replace_each(plain, _BLANKS, " ")
    if ("[" in plain or not plain.isascii()) and _TICK.search(plain):
        plain = _TICKED_ANSWER.sub(r"\1\2", plain)
        plain = _CROSSED_NEGATION.sub("", _TICKED.sub("", _UNTICKED.sub("", plain)))
    if "\\" in plain:
        plain = _LATEX.sub(" ", plain)
    if "~~" in plain:
        plain = _STRUCK_OUT.sub(" ", plain)
    if "(" in plain:
        plain = _ANSWER_KIND.sub("", plain)
        plain = _CHOICES.sub("", plain)
        if _SCALE_ASIDE.search(plain):
            plain = _SPACED_SCALE_ASIDE.sub("", plain)
    if "<" in plain:
        plain = _TAG.sub("", plain)
    return _replace_each(plain.replace("|", " : ").replace("_", " "), _MARKS, "")


def _replace_each(plain: str, signs: str, other: str) -> str:
    for sign in signs:
        if sign in plain:
            plain = plain.replace(sign, other)
    return plain


def _strip_line_prefix(line: str) -> str:
    """Remove a list marker or the name of a speaker from a line."""
    line = line.strip()
    if _MAY_HAVE_PREFIX.match(line) is None:
        return line
    for prefix in (_BULLET, _ROLE, _SPEAKER):
        if match := prefix.match(line):
            line = line[match.end() :]
    return _ITS.sub("it is ", line, count=1)


def _expand_contractions(plain: str) -> str:
    """Expand contractions and abbreviations: "it is", "can not"."""
    if "'" in plain:
        if "n't" in plain:
            plain = plain.replace("can't", "can not").replace("won't", "will not")
            plain = plain.replace("ain't", "is not").replace("n't", " not")
        plain = plain.replace("let's", "let us")
        plain = _ENDING.sub(_expand_ending, _IS.sub(" is", _SINGLE.sub("", plain)))
    if "cannot" in plain:
        plain = plain.replace("cannot", "can not")
    plain = _BARE_CONTRACTION.sub(_expand_bare_contraction, plain)
    if "%" in plain:
        plain = plain.replace(" %", "%")
    if _DOTTED.search(plain):
        plain = _NUMBERED.sub("number ", plain)
        if ".e." in plain or "a.i." in plain:
            plain = plain.replace("i.e.", "ie").replace("e.g.", "eg").replace("a.i.", "ai")
        plain = plain.replace("vs. ", "vs ")
    return plain.replace("tl;dr", "in short") if ";" in plain else plain


_DOTTED = re.compile(r"\.(?:[ei]\.|(?<=no\.) |(?<=vs\.) )")
"""The dot of an abbreviation."""
_NUMBERED = re.compile(r"\bno\. (?=\d)")


def _expand_ending(match: re.Match[str]) -> str:
    return _ENDINGS[match[0]]


def _expand_bare_contraction(match: re.Match[str]) -> str:
    return " not" if match["can"] is None else "n not"


def _drop_quotation(match: re.Match[str]) -> str:
    """Return a short or whole-text quotation as it is, any other as one unknown word."""
    is_whole_text = match.string.strip() == match[0]
    return match[1] if is_whole_text or len(_WORD.findall(match[1])) < 3 else " quotation "
