"""RC2 (RFC 2268) in CBC mode, decrypting only: what old PKCS#12 files have their certificates in.

cryptography has it for keys of 128 bits; these files use 40.
"""

from __future__ import annotations

from typing import Final

from sealbridge.templates.limits import Budget

BLOCK: Final = 8

# PITABLE of the RFC: bytes from the digits of pi.
_PI: Final = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)
_ROTATIONS: Final = (1, 2, 3, 5)


def decrypt(budget: Budget, key: bytes, iv: bytes, text: bytes) -> bytes:
    """The plain text of whole blocks, its padding kept; all bits of the key are effective."""
    schedule = _expand(key)
    plain = bytearray()
    before = iv
    for at in range(0, len(text), BLOCK):
        budget.step()
        block = text[at : at + BLOCK]
        plain += (int.from_bytes(_open(schedule, block)) ^ int.from_bytes(before)).to_bytes(BLOCK)
        before = block
    return bytes(plain)


def _expand(key: bytes) -> tuple[int, ...]:
    size = len(key)
    state = bytearray(key)
    while len(state) < 128:
        state.append(_PI[(state[-1] + state[-size]) & 0xFF])
    state[128 - size] = _PI[state[128 - size]]
    for at in range(127 - size, -1, -1):
        state[at] = _PI[state[at + 1] ^ state[at + size]]
    return tuple(int.from_bytes(state[at : at + 2], "little") for at in range(0, 128, 2))


def _open(schedule: tuple[int, ...], block: bytes) -> bytes:
    words = [int.from_bytes(block[at : at + 2], "little") for at in range(0, BLOCK, 2)]
    for at in range(63, -1, -1):
        place = at & 3
        word, shift = words[place], _ROTATIONS[place]
        word = (word >> shift | word << (16 - shift)) & 0xFFFF
        last, other, third = words[place - 1], words[place - 2], words[place - 3]
        words[place] = (word - schedule[at] - (last & other) - (~last & third)) & 0xFFFF
        # A mashing round lies between the 5, 6 and 5 mixing rounds of four words each.
        if at in (44, 20):
            for place in (3, 2, 1, 0):
                words[place] = (words[place] - schedule[words[place - 1] & 63]) & 0xFFFF
    return b"".join(word.to_bytes(2, "little") for word in words)
