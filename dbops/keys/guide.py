"""How an encrypted backup is decrypted by hand: a part of its RESTORE.md."""

from __future__ import annotations

import shlex
import textwrap

from dbops.model import KEY_FILE, PASSPHRASE, SEALED, Manifest


def decrypt_step(manifest: Manifest) -> str:
    """The paragraph with its commands, ending in an empty line; '' for a backup that is not encrypted."""
    sealed = [item.name for item in manifest.artifacts if manifest.method.plain_name(item.name) != item.name]
    if not sealed:
        return ""
    readers = [key for key in manifest.method.keys if key != PASSPHRASE]
    words = [f"the private key of one of {', '.join(f'`{key}`' for key in readers)}"] if readers else []
    if PASSPHRASE in manifest.method.keys:
        words.append(f"`{KEY_FILE}`, for which age asks for the passphrase")
    text = (
        f"The files that end in `{SEALED}` are encrypted (https://age-encryption.org). Decrypt them with a key file: "
        f"{', or '.join(words)}. What is decrypted is as secret as the database: work on a disk that may hold it, and "
        "delete it afterwards."
    )
    wrapped = textwrap.fill(
        text, 118, initial_indent="   ", subsequent_indent="   ", break_long_words=False, break_on_hyphens=False
    )
    names = [shlex.quote(name) for name in sealed if "/" not in name]
    folders = sorted({name.rpartition("/")[0] for name in sealed if "/" in name})
    files = " ".join([*names, *(f"{shlex.quote(folder)}/*{SEALED}" for folder in folders)])
    key = "/path/to/key.txt" if readers else KEY_FILE
    loop = (
        f'for file in {files}; do age --decrypt --identity "$KEY" --output "${{file%{SEALED}}}" "$file" || break; done'
    )
    return f"{wrapped}\n\n       export KEY={key}\n       {loop}\n\n"
