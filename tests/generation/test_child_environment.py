"""Keys of the user reach no child process; what a child needs to run does."""

import pytest

from synth.child_environment import child_environment, hub_access, is_secret

SECRET_NAMES = (
    "OPENAI_API_KEY ANTHROPIC_API_KEY E2B_API_KEY WANDB_API_KEY VLLM_API_KEY OPENAIKEY openai_api_key KEY2 "
    "HF_TOKEN HUGGING_FACE_HUB_TOKEN GITHUB_TOKEN CI_JOB_TOKEN CLIENT_SECRET DB_PASSWORD PGPASSWORD "
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_WEB_IDENTITY_TOKEN_FILE SMTP_PASS "
    "AZURE_CLIENT_ID GOOGLE_APPLICATION_CREDENTIALS SSH_AUTH_SOCK SENTRY_DSN GITHUB_PAT SESSION_COOKIE"
).split()
SECRET_VALUES = (
    "sk-proj-0123456789",
    "hf_abcdefghijkl",
    "ghp_0123456789ab",
    "AKIA0123456789ABCDEF",
    "postgres://me:word@host/base",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
)
NEEDED = {
    "PATH": "/usr/bin",
    "HOME": "/root",
    "PYTHONPATH": "/a:/b",
    "VIRTUAL_ENV": "/venv",
    "LD_LIBRARY_PATH": "/usr/local/cuda/lib64",
    "CUDA_VISIBLE_DEVICES": "0,1",
    "NCCL_P2P_DISABLE": "1",
    "VLLM_ATTENTION_BACKEND": "FLASH_ATTN",
    "VLLM_MULTI_STREAM_GEMM_TOKEN_THRESHOLD": "1024",
    "HF_HOME": "/cache",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "4",
    "HTTPS_PROXY": "http://proxy:3128",
    "SSL_CERT_FILE": "/etc/ssl/ca.pem",
    "KEYBOARD_LAYOUT": "de",
}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_variable_whose_name_says_secret_is_kept_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "anything")
    assert name not in child_environment({})


@pytest.mark.parametrize("value", SECRET_VALUES)
def test_a_variable_whose_value_looks_like_a_secret_is_kept_back(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_ENDPOINT", value)
    assert "MY_ENDPOINT" not in child_environment({})


@pytest.mark.parametrize("name", NEEDED)
def test_what_a_child_needs_is_passed_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, NEEDED[name])
    assert child_environment({})[name] == NEEDED[name]


def test_what_the_caller_gives_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijkl")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789")
    assert hub_access() == {"HF_TOKEN": "hf_abcdefghijkl"} | {
        name: value for name, value in hub_access().items() if name.upper().endswith("_PROXY")
    }
    found = child_environment({**hub_access(), "HF_HUB_OFFLINE": "0"})
    assert (found["HF_TOKEN"], found["HF_HUB_OFFLINE"]) == ("hf_abcdefghijkl", "0")
    assert "OPENAI_API_KEY" not in found
    assert not is_secret("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
