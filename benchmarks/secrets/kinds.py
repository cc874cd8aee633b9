"""Kinds of secrets, each with a generator of values that have its form and open nothing.

The one rule: no value stands in this file. A value is made at run time, from random characters and, where the
issuer adds one, its checksum; so the repository itself holds nothing that looks like a live key.
"""

import base64
import json
import string
import zlib
from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
WORD = LOWER + UPPER + DIGITS
HEX = DIGITS + "abcdef"
URL = f"{WORD}-_"
BASE64 = f"{WORD}+/"


class Planted(NamedTuple):
    """A value, and the name under which a careless person would write it down."""

    name: str
    value: str


Make = Callable[[Random], str]


def draw(random: Random, alphabet: str, length: int) -> str:
    """So many characters, with at least one digit and one letter where the alphabet has both."""
    while True:
        text = "".join(random.choice(alphabet) for _ in range(length))
        mixed = any(sign.isdigit() for sign in text) and any(sign.isalpha() for sign in text)
        if mixed or length < 6 or alphabet.isdigit() or alphabet.isalpha():
            return text


def run(*parts: str | tuple[str, int]) -> Make:
    """Parts in a row: a text as it is, or so many characters of an alphabet."""

    def make(random: Random) -> str:
        return "".join(part if isinstance(part, str) else draw(random, *part) for part in parts)

    return make


def with_checksum(prefix: str, length: int) -> Make:
    """The form of GitHub and npm: random characters, then their CRC-32 in base 62."""

    def make(random: Random) -> str:
        body = draw(random, WORD, length)
        number, digits = zlib.crc32(body.encode()), ""
        while number:
            number, rest = divmod(number, 62)
            digits = (DIGITS + UPPER + LOWER)[rest] + digits
        return f"{prefix}{body}{digits.rjust(6, '0')}"

    return make


def encoded(length: int, padding: str = "") -> Make:
    """So many random bytes in Base64."""
    return lambda random: base64.b64encode(random.randbytes(length)).decode().rstrip("=") + padding


def jwt(random: Random) -> str:
    """A signed web token."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": draw(random, DIGITS, 10), "iat": random.randrange(10**9, 2 * 10**9)}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in (header, claims)]
    signature = base64.urlsafe_b64encode(random.randbytes(32)).decode()
    return ".".join(part.rstrip("=") for part in (*parts, signature))


def armoured(label: str, lines: int = 12) -> Make:
    """A private key in its armour."""
    dashes = "-" * 5

    def make(random: Random) -> str:
        body = base64.b64encode(random.randbytes(48 * lines)).decode()
        rows = [body[at : at + 64] for at in range(0, len(body), 64)]
        head, foot = f"{dashes}BEGIN {label}{dashes}", f"{dashes}END {label}{dashes}"
        return "\n".join((head, *rows, foot))

    return make


def address(scheme: str, host: str) -> Make:
    """The address of a server with a user and a password in it."""
    return lambda random: f"{scheme}://{draw(random, LOWER, 6)}:{draw(random, WORD, 14)}@{host}"


def discord(random: Random) -> str:
    """The token of a bot: its number in Base64, a time, a signature."""
    number = base64.b64encode(draw(random, DIGITS, 18).encode()).decode()
    return f"{number}.{draw(random, URL, 6)}.{draw(random, URL, 38)}"


def basic(random: Random) -> str:
    """The header of HTTP's basic authentication."""
    pair = f"{draw(random, LOWER, 8)}:{draw(random, WORD, 16)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def password(random: Random) -> str:
    """What a password generator gives."""
    return draw(random, f"{WORD}!#%&*+-=?@^_", random.randrange(12, 24))


KINDS: Mapping[str, tuple[str, Make]] = {
    "age secret key": ("AGE_KEY", run("AGE-SECRET-KEY-1", ("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58))),
    "Airtable token": ("AIRTABLE_TOKEN", run("pat", (WORD, 14), ".", (HEX, 64))),
    "Anthropic key": ("ANTHROPIC_API_KEY", run("sk-ant-", "api03-", (URL, 93), "AA")),
    "Artifactory key": ("ARTIFACTORY_API_KEY", run("AKC", "p", (WORD, 69))),
    "Atlassian token": ("ATLASSIAN_TOKEN", run("ATATT3", "xFfGF0", (URL, 171), "=", (HEX.upper(), 8))),
    "AWS access key": ("AWS_ACCESS_KEY_ID", run("AK", "IA", (f"{UPPER}234567", 16))),
    "AWS secret key": ("AWS_SECRET_ACCESS_KEY", run((BASE64, 40))),
    "Azure client secret": ("AZURE_CLIENT_SECRET", run((WORD, 3), "8Q~", (f"{WORD}_.~-", 34))),
    "Azure storage key": (
        "AZURE_STORAGE",
        lambda random: (
            f"DefaultEndpointsProtocol=https;AccountName=files{draw(random, DIGITS, 4)};"
            f"AccountKey={encoded(64, '==')(random)};EndpointSuffix=core.windows.net"
        ),
    ),
    "basic authentication": ("authorization", basic),
    "Cloudflare token": ("CLOUDFLARE_API_TOKEN", run((URL, 40))),
    "crates.io token": ("CARGO_REGISTRY_TOKEN", run("ci", "o", (WORD, 32))),
    "Databricks token": ("DATABRICKS_TOKEN", run("da", "pi", (HEX, 32))),
    "Datadog key": ("DATADOG_API_KEY", run((HEX, 32))),
    "DigitalOcean token": ("DIGITALOCEAN_TOKEN", run("dop", "_v1_", (HEX, 64))),
    "Discord bot token": ("DISCORD_TOKEN", discord),
    "Discord webhook": (
        "webhook",
        run("https://discord.com/api/web", "hooks/", (DIGITS, 18), "/", (URL, 68)),
    ),
    "Docker Hub token": ("DOCKERHUB_TOKEN", run("dckr", "_pat_", (URL, 27))),
    "Doppler token": ("DOPPLER_TOKEN", run("dp", ".pt.", (WORD, 43))),
    "EC private key": ("KEY", armoured("EC " + "PRIVATE KEY", 3)),
    "Figma token": ("FIGMA_TOKEN", run("fig", "d_", (URL, 40))),
    "generic hexadecimal key": ("api_key", run((HEX, 40))),
    "generic secret": ("client_secret", run((WORD, 36))),
    "generic token": ("access_token", run((URL, 44))),
    "GitHub app token": ("GITHUB_TOKEN", with_checksum("gh" + "s_", 30)),
    "GitHub fine-grained token": ("GITHUB_TOKEN", run("github", "_pat_", (WORD, 22), "_", (WORD, 59))),
    "GitHub token": ("GITHUB_TOKEN", with_checksum("gh" + "p_", 30)),
    "GitLab token": ("GITLAB_TOKEN", run("gl", "pat-", (URL, 20))),
    "Google API key": ("GOOGLE_API_KEY", run("AI", "za", (URL, 35))),
    "Google OAuth secret": ("GOOGLE_CLIENT_SECRET", run("GOC", "SPX-", (URL, 28))),
    "Grafana token": (
        "GRAFANA_TOKEN",
        lambda random: (
            "gl" + "sa_" + (body := draw(random, WORD, 32)) + f"_{zlib.crc32(('glsa_' + body).encode()):08x}"
        ),
    ),
    "Heroku key": ("HEROKU_API_KEY", run("HR", "KU-AA", (URL, 58))),
    "Hugging Face token": ("HF_TOKEN", run("h", "f_", (LOWER + UPPER, 34))),
    "JSON web token": ("token", jwt),
    "Linear key": ("LINEAR_API_KEY", run("lin", "_api_", (WORD, 40))),
    "Mailchimp key": ("MAILCHIMP_API_KEY", run((HEX, 32), "-us", ("123456789", 1))),
    "Mailgun key": ("MAILGUN_API_KEY", run("ke", "y-", (HEX, 32))),
    "MongoDB address": ("MONGO_URL", address("mongodb+srv", "cluster0.mongodb.net/app")),
    "MySQL address": ("DATABASE_URL", address("mysql", "db.internal:3306/app")),
    "New Relic key": ("NEW_RELIC_KEY", run("NR", "AK-", (UPPER + DIGITS, 27))),
    "Notion token": ("NOTION_TOKEN", run("nt", "n_", (DIGITS, 11), (WORD, 35))),
    "npm token": ("NPM_TOKEN", with_checksum("np" + "m_", 30)),
    "OpenAI key": ("OPENAI_API_KEY", run("sk-", "proj-", (URL, 74), "T3Blbk", "FJ", (URL, 74))),
    "OpenSSH private key": ("KEY", armoured("OPENSSH " + "PRIVATE KEY")),
    "Okta token": ("OKTA_API_TOKEN", run("00", (URL, 40))),
    "password": ("password", password),
    "password of a database": ("DB_PASSWORD", password),
    "PGP private key": ("KEY", armoured("PGP " + "PRIVATE KEY BLOCK")),
    "PostgreSQL address": ("DATABASE_URL", address("postgresql", "10.20.0.5:5432/app")),
    "Postman key": ("POSTMAN_API_KEY", run("PM", "AK-", (HEX, 24), "-", (HEX, 34))),
    "Pulumi token": ("PULUMI_ACCESS_TOKEN", run("pu", "l-", (HEX, 40))),
    "PyPI token": ("PYPI_TOKEN", run("py", "pi-AgEIcHlwaS5vcmc", (URL, 120))),
    "Redis address": ("REDIS_URL", address("redis", "cache.internal:6379/0")),
    "RSA private key": ("KEY", armoured("RSA " + "PRIVATE KEY")),
    "RubyGems key": ("RUBYGEMS_API_KEY", run("ruby", "gems_", (HEX, 48))),
    "SendGrid key": ("SENDGRID_API_KEY", run("S", "G.", (URL, 22), ".", (URL, 43))),
    "Sentry token": ("SENTRY_AUTH_TOKEN", run("sntr", "yu_", (HEX, 64))),
    "Shopify token": ("SHOPIFY_TOKEN", run("shp", "at_", (HEX, 32))),
    "Slack bot token": ("SLACK_TOKEN", run("xo", "xb-", (DIGITS, 12), "-", (DIGITS, 12), "-", (WORD, 24))),
    "Slack webhook": (
        "SLACK_URL",
        run(
            "https://hooks.slack.com/ser",
            "vices/T",
            (UPPER + DIGITS, 8),
            "/B",
            (UPPER + DIGITS, 10),
            "/",
            (WORD, 24),
        ),
    ),
    "Square token": ("SQUARE_TOKEN", run("sq0", "atp-", (URL, 22))),
    "Stripe key": ("STRIPE_KEY", run("sk", "_live_", (WORD, 24))),
    "Telegram bot token": ("TELEGRAM_BOT_TOKEN", run(("123456789", 9), ":AA", (URL, 33))),
    "Terraform token": ("TF_TOKEN", run((WORD, 14), ".atlas", "v1.", (URL, 67))),
    "Twilio key": ("TWILIO_API_KEY", run("S", "K", (HEX, 32))),
    "Vault token": ("VAULT_TOKEN", run("hv", "s.", (URL, 95))),
}


def plant(kind: str, random: Random) -> Planted:
    """A new value of that kind."""
    name, make = KINDS[kind]
    return Planted(name, make(random))
