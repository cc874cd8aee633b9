"""The environment of child processes that codemill owns: this process's own, without what looks secret.

Place in the flow: engines and trainers are started with it. The one rule: no key that a user exports for an
endpoint reaches a process that runs a model. A variable is kept back for its name (a word of it says key,
token, secret, password and the like) or for its value (the usual form of a key, or an address with a
password).
"""

import os
import re
from collections.abc import Mapping

_SECRET_NAME = re.compile(
    r"(KEYS?|TOKEN|SECRETS?|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|COOKIES?)"
    r"(\d*|_(ID|FILE|PATH|JSON|BASE64))$"
    r"|(^|_)(AUTH|PASS|PAT|DSN|AUTH_SOCK)$|^(AWS|AZURE|VAULT)_",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"^(sk-|hf_|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|AKIA|ASIA|AIza|eyJ)\S{8}"
    r"|-----BEGIN |://[^/\s:@]*:[^/\s@]+@"
)
_SETTINGS = frozenset({"HF_HUB_DISABLE_IMPLICIT_TOKEN"})
"""Their names look like those of secrets."""
_HUB = frozenset(
    {"HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"}
)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's variables without secrets, and over them `extra`, which is taken as it is."""
    kept = {name: value for name, value in os.environ.items() if not is_secret(name, value)}
    return {**kept, **extra}


def hub_access() -> dict[str, str]:
    """What a child needs to load a model from the hub: the hub's token, and proxies with a password. For
    `extra`, and only where the model is not a local folder."""
    return {name: value for name, value in os.environ.items() if name.upper() in _HUB}


def is_secret(name: str, value: str = "") -> bool:
    """Whether a variable is kept from children."""
    if name in _SETTINGS:
        return False
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))
