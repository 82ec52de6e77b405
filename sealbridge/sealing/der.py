"""DER (X.690) as far as a certificate's public key and validity need it. Knows no algorithm.

Strict: definite minimal lengths, no byte left over. Raises ValueError for everything else; nobody
but `certificate` reads with it, and the unit tests hold it against `cryptography.x509`.
"""

from __future__ import annotations

from datetime import UTC, datetime

INTEGER, BIT_STRING, OBJECT_IDENTIFIER, SEQUENCE = 0x02, 0x03, 0x06, 0x30
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
VERSION = 0xA0  # [0] EXPLICIT, as a certificate tags its version


class Reader:
    """Walks the elements of one DER value from left to right."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._end = len(data)

    def done(self) -> bool:
        """True when every byte was read."""
        return self._at == self._end

    def finish(self) -> None:
        """Refuse what is left over."""
        if not self.done():
            raise ValueError("bytes are left over")

    def peek(self) -> int | None:
        """The tag of the next element, None at the end."""
        return None if self.done() else self._data[self._at]

    def read(self, tag: int) -> bytes:
        """The content of the next element, which must have this tag."""
        found, content = self.element()
        if found != tag:
            raise ValueError(f"tag {found:#04x} where {tag:#04x} was expected")
        return content

    def element(self) -> tuple[int, bytes]:
        """Tag and content of the next element."""
        tag = self._byte()
        if tag & 0x1F == 0x1F:
            raise ValueError("a long tag")
        length = self._byte()
        if length & 0x80:
            count = length & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("an indefinite or absurd length")
            length = int.from_bytes(self._take(count))
            if length < 0x80 or length < 1 << (8 * (count - 1)):
                raise ValueError("a length that is longer than it needs to be")
        return tag, self._take(length)

    def sequence(self) -> Reader:
        """A reader of the next element, which must be a SEQUENCE."""
        return Reader(self.read(SEQUENCE))

    def integer(self) -> int:
        """The next element, which must be an INTEGER."""
        content = self.read(INTEGER)
        if not content or (
            len(content) > 1 and (content[:1] in b"\x00\xff" and (content[0] ^ content[1]) < 0x80)
        ):
            raise ValueError("an integer that is empty or longer than it needs to be")
        return int.from_bytes(content, signed=True)

    def time(self) -> datetime:
        """The next element, which must be a UTCTime or GeneralizedTime as RFC 5280 has them."""
        tag, content = self.element()
        text = content.decode("ascii")
        if tag == UTC_TIME and len(text) == 13:
            # RFC 5280 4.1.2.5.1: 50 and later are of the last century.
            text = ("19" if text[:2] >= "50" else "20") + text
        elif tag != GENERALIZED_TIME or len(text) != 15:
            raise ValueError("not a time")
        if not text[:14].isdigit() or text[14] != "Z":
            raise ValueError("not a time")
        parts = (text[:4], text[4:6], text[6:8], text[8:10], text[10:12], text[12:14])
        year, month, day, hour, minute, second = map(int, parts)
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > self._end:
            raise ValueError("it ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken
