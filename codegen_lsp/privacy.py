"""What an engine may read of a person's files: the one place that decides it.

Whatever reads a file for the engine asks here: `may_read` whether it may at all, `readable` what of it.
`ignore.py` knows the disk, and comes in as a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from codegen_lsp.config import Config
from codegen_lsp.context import MAX_LINE
from codegen_lsp.document import Document
from codegen_lsp.normal import normal
from codegen_lsp.secrets import MAX_KEY, NOTHING, Masked, mask, remask

IsIgnored = Callable[[str], bool]
"""Whether a file, by its URI, is ignored or secret (see `ignore.Ignore`)."""

# Characters of one document that guesses come from. To tokenize them takes 14 ms (one core),
# for which a key might have to wait: half the time that a 350M model takes for a token.
EXCERPT = 32_768

# What holds passwords and keys, whatever is in it; as lines of a .gitignore, in small letters. From the
# list of Continue (core/indexing/ignore.ts), the documents of the tools named, and gitleaks' paths.
# `.env.example` stays on it: it often has real values, and is soon written by hand. Not on it, though in
# Continue's, are names that sources have too (`config.json`, `keys/`, `private/`), and certificates,
# which are public. `credentials.py` is a source; the suffixes below are those of data.
_DATA = ("", ".cfg", ".conf", ".csv", ".enc", ".ini", ".json", ".properties", ".toml", ".txt", ".xml",
         ".yaml", ".yml")  # fmt: skip
SECRET_FILES = (
    *(".env*", "*.env"),
    *("*.key", "*.pem", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.truststore", "*.ppk"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh/"),  # OpenSSH
    *("*.gpg", "*.pgp", "*.kdbx", "*.agekey", ".gnupg/", ".password-store/"),  # password stores
    *(".netrc", "_netrc", ".git-credentials"),  # curl, git
    *(".npmrc", ".yarnrc.yml", ".pypirc", ".gem/credentials", ".cargo/credentials*"),  # registries
    *(".pgpass", ".my.cnf", ".mylogin.cnf", ".htpasswd"),  # PostgreSQL, MySQL, Apache
    *(".aws/", ".azure/", ".gcp/", ".gcloud/", ".boto", ".s3cfg", ".kube/", "kubeconfig"),  # clouds
    *(".docker/", ".dockercfg", ".dockerconfigjson", ".vault-token", ".vault_pass*"),
    *("*.tfstate", "*.tfstate.backup", "*.tfvars"),  # Terraform
    *(f"{name}{end}" for name in ("credentials", "secret", "secrets") for end in _DATA),
    *("client_secret*.json", "*service[-_]account*.json", "*.secret", "*.secrets", "*.token"),
    *("secrets/", ".secrets/"),
)


def refusal(document: Document, config: Config, is_ignored: IsIgnored) -> str:
    """Why nothing of a document may reach an engine, in a few words; empty where it may."""
    if not config.enabled:
        return "switched off"
    if document.language in config.disabled_languages:
        return f"switched off for {document.language}"
    return "an ignored or secret file" if is_ignored(document.uri) else ""


def may_read(document: Document, config: Config, is_ignored: IsIgnored) -> bool:
    """Whether anything of a document may reach an engine."""
    return not refusal(document, config, is_ignored)


def readable(document: Document, before: Masked = NOTHING) -> tuple[Document, Masked]:
    """A document as an engine may read it, with all offsets as they were; and what to call this with
    for its next version, which then takes less time."""
    masked = remask(document.text, before)
    if masked.text == document.text:
        return document, masked
    return replace(document, text=masked.text), masked


def excerpt(document: Document, near: int, config: Config, is_ignored: IsIgnored) -> str:
    r"""What an engine may remember of a document: whole lines around the offset `near`, with \n as
    their only end, without secrets, and without those too long to be typed; nothing of a binary file."""
    text = document.text
    if not may_read(document, config, is_ignored) or "\0" in text:
        return ""
    start = max(0, min(near - EXCERPT // 2, len(text) - EXCERPT))
    before = max(0, start - MAX_KEY)  # a key may have begun there
    masked = mask(text[before : start + EXCERPT])[start - before :]
    lines = normal(masked, document.language).split("\n")
    # The cut may have gone through a line.
    first = 1 if start > 0 else 0
    last = -1 if start + EXCERPT < len(text) else None
    return "\n".join(line for line in lines[first:last] if len(line) <= MAX_LINE)
