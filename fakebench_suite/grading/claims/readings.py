"""The readings of the texts that were read last, whichever process has read them."""

from fakebench_suite.grading.claims.reader import ClaimReading, forget_sentences, read_text

MAX_READINGS = 1 << 16
"""Readings that are kept: scores and the report read the same replies, of a whole run."""


Text = tuple[str, str | None]
"""A text, and the criterion that was asked about."""


class _Readings(dict[Text, ClaimReading]):
    """The readings of the texts that were read last."""

    def __missing__(self, key: Text) -> ClaimReading:
        reading = read_text(*key)
        self.keep(key, reading)
        return reading

    def keep(self, key: Text, reading: ClaimReading) -> None:
        """Keep a reading, in place of the oldest where there are too many."""
        if key in self:
            return
        if len(self) >= MAX_READINGS:
            del self[next(iter(self))]
        self[key] = reading


_READINGS = _Readings()


def read_claims(text: str, asked: str | None = None) -> ClaimReading:
    """The claims of a reply, without its reasoning; ``asked`` is the criterion of the question."""
    return _READINGS[text, asked]


def is_read(text: str, asked: str | None) -> bool:
    """Whether a text has been read, so that its claims are there at once."""
    return (text, asked) in _READINGS


def keep_reading(text: str, asked: str | None, reading: ClaimReading) -> None:
    """Keep what another process has read in a text."""
    _READINGS.keep((text, asked), reading)


def forget_readings() -> None:
    """Keep no reading any more."""
    _READINGS.clear()


def forget_texts() -> None:
    """Forget all that was read, so that everything is read anew; for measurements of speed."""
    forget_readings()
    forget_sentences()
