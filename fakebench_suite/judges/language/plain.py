"""From a reply as the model wrote it to plain words: no thinking, markup, or typographic dress."""

import re
import unicodedata

from fakebench_suite.judges.language.chinese import gloss_chinese

_THINKING = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_THOUGHT = re.compile(r"\A.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_LATEX = re.compile(r"\\(?:text\w*|mathrm|mathbf|boxed)\s*|\\[\[\]()]")
_CONFIRMED = re.compile(r"\b(yes|no)(\W{0,3})[✅❌✔✘☑✗]")
_SPACES = re.compile(r"[^\S\n]+")
_STRUCK = re.compile(r"~~.*?~~", re.DOTALL)
_MARKUP = re.compile(r"<\|[^|<>]*\|>|</?[a-z]\w*>|[*`#>{}$\\]|(?<![^\W_])_|_(?![^\W_])")
_BULLET = re.compile(r"^\s*(?:[-•+–—●▪✓☑]|\(?(?:\d{1,2}|[a-z])[.)](?=\s)|a:)\s*", re.MULTILINE)
_ROLE = re.compile(r"^\s*(?:assistant|model|bot|gpt|ai)\s*(?::\s*(?=\S)|$)", re.MULTILINE)
_CHOICES = re.compile(r"\(\s*(?:fake|real|yes|no)\s*(?:or|/)\s*(?:fake|real|yes|no)\s*\)")
_OPTION = re.compile(r"(?<=[:=] )\(?[a-d][.)]\s+")
_UNTICKED = re.compile(r"^\s*[-*]?\s*(?:\[\s*\]|☐|□|⬜)(?!.*[\[☐☑☒□]).*$", re.MULTILINE)
_TICKED = re.compile(r"^\s*[-*]?\s*(?:\[\s*[xX✓✔]\s*\]|☑|☒|✅|✔️?)\s*", re.MULTILINE)
_QUOTED = re.compile(r'"([^"\n]{1,400})"')
_SINGLE = re.compile(r"(?<!\w)'|'(?!\w)")
_LETTERS = str.maketrans(
    {"‘": "'", "’": "'", "ʼ": "'", "´": "'", "“": '"', "”": '"', "「": '"', "」": '"', "«": '"',
     "»": '"', "‐": "-", "‑": "-", "–": " - ", "—": " - ", "―": " - ", "→": " = ", "…": " ... "}
)  # fmt: skip
_CONTRACTIONS = (
    (re.compile(r"\bno\. (?=\d)"), "number "),
    (re.compile(r"\btl;dr\b"), "in short"),
    (re.compile(r"\b(?:can't|cannot|cant)\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"\bain't\b"), "is not"),
    (re.compile(r"\b(is|was|does|did|are|do)nt\b"), r"\1 not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"\b(it|that|this|there|here|what|which|answer|verdict|all|one)'s\b"), r"\1 is"),
    (re.compile(r"^its (?=an? |not |fake|real)", re.MULTILINE), "it is "),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"'s\b"), ""),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"'ve\b"), " have"),
)  # fmt: skip


def drop_thinking(reply: str) -> str:
    """The reply without ``<think>``, closed or not, and without what a lone ``</think>`` ends."""
    return _THOUGHT.sub("", _THINKING.sub("", reply))


def clean_text(text: str) -> str:
    """The text in lower case, one line a paragraph, without markup, contractions and quotations.

    A quotation of three words or more is somebody else's sentence and becomes one unknown word.
    """
    plain = unicodedata.normalize("NFKC", text.translate(_LETTERS)).translate(_LETTERS).lower()
    plain = _CONFIRMED.sub(r"\1\2", _SPACES.sub(" ", plain))
    plain = _TICKED.sub("", _UNTICKED.sub("", plain))
    plain = _CHOICES.sub("", _STRUCK.sub(" ", _LATEX.sub(" ", plain))).replace("|", " : ")
    plain = _OPTION.sub("", _ROLE.sub("", _BULLET.sub("", _MARKUP.sub("", plain))))
    plain = gloss_chinese("\n".join(line.strip() for line in plain.replace("_", " ").splitlines()))
    plain = _QUOTED.sub(_drop_quotation, plain).replace('"', "")
    plain = _SINGLE.sub("", plain)
    for contraction, words in _CONTRACTIONS:
        plain = contraction.sub(words, plain)
    lines = (" ".join(line.split()) for line in plain.splitlines())
    return "\n".join(line for line in lines if line)


def _drop_quotation(match: re.Match[str]) -> str:
    whole = match.string.strip() == match[0]
    return match[1] if whole or len(match[1].split()) < 3 else " quotation "
