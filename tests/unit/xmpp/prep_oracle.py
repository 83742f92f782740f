# SPDX-License-Identifier: MIT
"""Compares prep.c with python3-precis-i18n: properties of all code points, enforcement of strings.

Prints TAP; run by make check in the build directory, where prep_dump lies.
"""
import os
import random
import subprocess
import sys
import unicodedata

DUMP = os.environ.get('PREP_DUMP', 'tests/unit/xmpp/prep_dump')
LIBRARY_UNICODE = '14.0.0'  # libunistring 1.0
STRINGS = 20000

try:
    import precis_i18n
    from precis_i18n import derived
    from precis_i18n.unicode import UnicodeData
except ImportError:
    print('1..0 # SKIP python3-precis-i18n is not installed')
    sys.exit(0)

PROFILES = ['UsernameCaseMapped', 'UsernameCasePreserved', 'OpaqueString', 'NicknameCasePreserved']

# What strings are made of: single characters, and ranges with a common trait.
SINGLES = list('lLaZ09_.-@/:<&\'" ') + [chr(c) for c in (
    0x00a0, 0x00ad, 0x00b5, 0x00b7, 0x00c5, 0x00df, 0x0130, 0x0131, 0x017f, 0x01c5, 0x0300, 0x0301,
    0x0307, 0x0308, 0x0345, 0x0375, 0x0391, 0x03a3, 0x03c2, 0x03c3, 0x05d0, 0x05f3, 0x05f4, 0x0627,
    0x0628, 0x0640, 0x064b, 0x0660, 0x0669, 0x06f0, 0x06f9, 0x06fd, 0x0915, 0x094d, 0x0f0b, 0x0f73,
    0x1100, 0x1161, 0x11a8, 0x1680, 0x1e9e, 0x200c, 0x200d, 0x2126, 0x212a, 0x2163, 0x2665, 0x3000,
    0x3007, 0x302e, 0x304b, 0x3099, 0x30ab, 0x30fb, 0x4e00, 0xac00, 0xfb01, 0xfb1d, 0xfdfa, 0xfe00,
    0xff21, 0xff41, 0xff76, 0xff9e, 0xffe3, 0xffff, 0x10400, 0x1d400, 0x1d15e, 0x1e900, 0x1f600,
    0x20000, 0xe0001, 0x10ffff)]
RANGES = [(0x20, 0x7e), (0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x3ff), (0x400, 0x52f),
          (0x590, 0x5ff), (0x600, 0x6ff), (0x700, 0x74f), (0x900, 0x97f), (0xb80, 0xbff),
          (0xe00, 0xe7f), (0xf00, 0xfff), (0x10a0, 0x10ff), (0x1100, 0x11ff), (0x13a0, 0x13ff),
          (0x1c80, 0x1cbf), (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2100, 0x218f), (0x2c00, 0x2dff),
          (0x3000, 0x30ff), (0x4e00, 0x4eff), (0xa640, 0xa7ff), (0xac00, 0xad00), (0xf900, 0xfaff),
          (0xfb00, 0xfdff), (0xfe70, 0xffef), (0x10400, 0x104ff), (0x10840, 0x1085f),
          (0x1d100, 0x1d1ff), (0x1d400, 0x1d7ff), (0x1e800, 0x1e95f), (0x1f300, 0x1f64f)]
# Fragments that the contextual, bidi and final sigma rules are about.
FRAGMENTS = ['l\u00b7l', '\u0375\u03b1', '\u05d0\u05f3', '\u30ab\u30fb', '\u0915\u094d\u200d',
             '\u0628\u200c\u0628', '\u0628\u064b\u200c\u064b\u0628', '\u0660\u06f0',
             '\u0391\u03a3', '\u03a3 ', '\u05d01', '\u0627\u06601', '\u1100\u1161\u11a8']


def character(rng):
    if rng.random() < 0.3:
        return rng.choice(SINGLES)
    return chr(rng.randint(*rng.choice(RANGES)))


def one_string(rng):
    kind = rng.random()
    if kind < 0.25:
        first, last = rng.choice(RANGES)
        return ''.join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 6)))
    if kind < 0.45:
        part = rng.choice(FRAGMENTS)
        return character(rng) * rng.randint(0, 1) + part + character(rng) * rng.randint(0, 1)
    return ''.join(character(rng) for _ in range(rng.randint(1, 6)))


def corpus():
    rng = random.Random(7622)
    strings = SINGLES + FRAGMENTS + [one_string(rng) for _ in range(STRINGS)]
    strings += [chr(c) for c in range(0x10ffff + 1)
                if not 0xd800 <= c <= 0xdfff and unicodedata.category(chr(c)) not in ('Cn', 'Co', 'Lo')]
    return strings


def beyond_oracle(number, text):
    """Where the oracle departs from the RFCs, so that nothing can be compared."""
    # Half-width jamo: the decomposition mapping is a compatibility jamo, which is disallowed
    # (RFC 8265 section 3.3.1); the oracle normalises with NFKC to a conjoining one instead.
    if number < 2 and any(0xffa0 <= ord(c) <= 0xffdc for c in text):
        return True
    # Final sigma: modifier letters and U+0345 are both cased and case-ignorable. By the Unicode
    # Standard (section 3.13) a sigma before one is not final; Python skips them as ignorable.
    if number == 0 and '\u03a3' in text:
        if any(c == '\u0345' or unicodedata.category(c) == 'Lm' for c in text):
            return True
    # Nickname: the oracle strips controls and line ends at the ends like white space; RFC 8266
    # section 2.1 speaks of spaces, and controls are disallowed.
    stripped = any(not unicodedata.category(c) == 'Zs' and c.isspace() for c in text)
    return number == 3 and stripped


def expected(profile, text):
    try:
        return profile.enforce(text).encode().hex()
    except UnicodeEncodeError as e:
        return 'unstable' if 'not_idempotent' in e.reason else '-'


def unequal(number, profile, text, got):
    """None, or what is wrong. Our rounds until stable may accept what the oracle gives up on
    after two (RFC 8264 section 7 allows three more); what comes out must be stable, then."""
    if beyond_oracle(number, text):
        return None
    want = expected(profile, text)
    if want == 'unstable' and got != '-':
        text = bytes.fromhex(got).decode()
        want = expected(profile, text)
    if got == want or (want == 'unstable' and got == '-'):
        return None
    return '%s: want %s, got %s' % (ascii(text), want, got)


def enforce(number, strings):
    lines = ''.join('%d %s\n' % (number, s.encode().hex()) for s in strings)
    run = subprocess.run([DUMP, 'enforce'], input=lines, stdout=subprocess.PIPE,
                         encoding='ascii', check=True)
    answers = run.stdout.splitlines()
    assert len(answers) == len(strings)
    return answers


def compare_profile(number, strings):
    profile = precis_i18n.get_profile(PROFILES[number])
    answers = enforce(number, strings)
    wrong = [unequal(number, profile, s, a) for s, a in zip(strings, answers)]
    again = [a for a in answers if a != '-']
    stable = enforce(number, [bytes.fromhex(a).decode() for a in again])
    wrong += ['%s is not stable: %s' % p for p in zip(again, stable) if p[0] != p[1]]
    return [w for w in wrong if w], len(strings), len(again)


def compare_properties():
    ucd = UnicodeData()
    run = subprocess.run([DUMP, 'properties'], stdout=subprocess.PIPE, encoding='ascii', check=True)
    wrong, seen = [], 0
    for line in run.stdout.splitlines():
        first, last, name = line.split()
        for cp in range(int(first, 16), int(last, 16) + 1):
            seen += 1
            want = derived.derived_property(cp, ucd)[0]
            if want != name:
                wrong.append('U+%04X: want %s, got %s' % (cp, want, name))
    if seen != 0x110000:
        wrong.append('%d code points only' % seen)
    return wrong, seen, seen


def report(number, name, result):
    wrong, total, accepted = result
    for line in wrong[:20]:
        print('# ' + line)
    print('%s %d - %s (%d, %d accepted)' % ('not ok' if wrong else 'ok', number, name, total,
                                            accepted), flush=True)
    return not wrong


def main():
    if unicodedata.unidata_version != LIBRARY_UNICODE:
        print('1..0 # SKIP Python has Unicode %s, libunistring 1.0 has %s' %
              (unicodedata.unidata_version, LIBRARY_UNICODE))
        return 0
    print('1..%d' % (1 + len(PROFILES)), flush=True)
    good = report(1, 'derived property of all code points', compare_properties())
    strings = corpus()
    for number, name in enumerate(PROFILES):
        good &= report(number + 2, name, compare_profile(number, strings))
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())
