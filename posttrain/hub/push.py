"""Pushes a parcel to a repository of the hub.

Place in the flow: `parcel` -> here -> the hub. The one rule: a push that was interrupted loses nothing: large
files go up one by one, those that the hub already has are not sent again, and all appear in one commit.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from posttrain.hub.parcel import Parcel, size_of
from synth.errors import Problem, UserError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

Say = Callable[[str], None]
_SEE = "docs/architecture/watching.md"


def push(parcel: Parcel, repository: str, public: bool, say: Say) -> str:
    """Upload everything to `owner/name`, which is made if it is not there. Returns the address of the commit.
    Raises UserError where the token is missing or refused, or the hub cannot be reached."""
    import httpx
    from huggingface_hub import CommitOperationAdd, HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    token = get_token()
    if not token:
        fix = "export HF_TOKEN=…, or run `hf auth login`; the token needs the right to write"
        raise UserError(Problem(f"repository {repository}", "needs a token of the hub, and none is set", fix))
    operations = [CommitOperationAdd(name, content) for name, content in parcel.files.items()]
    try:
        return _push(HfApi(token=token), parcel, repository, public, operations, say)
    except HFValidationError as error:
        raise UserError(Problem(f"repository {repository}", str(error), "write owner/name")) from error
    except HfHubHTTPError as error:
        raise UserError(_refused(repository, error.response.status_code)) from error
    except (OSError, httpx.HTTPError, RuntimeError) as error:
        words = f"cannot be reached: {type(error).__name__}"
        fix = "rerun the same command: what is there is not sent again"
        raise UserError(Problem(f"repository {repository}", words, fix, _SEE)) from error


def _push(
    api: "HfApi",
    parcel: Parcel,
    repository: str,
    public: bool,
    operations: "list[CommitOperationAdd]",
    say: Say,
) -> str:
    api.create_repo(repository, repo_type=parcel.kind, private=not public, exist_ok=True)
    if not public and not api.repo_info(repository, repo_type=parcel.kind).private:
        raise UserError(
            Problem(
                f"repository {repository}",
                "is public, and a push is private unless it says otherwise",
                "add --public, or name another repository",
            )
        )
    for number, operation in enumerate(operations, 1):
        api.preupload_lfs_files(repository, [operation], repo_type=parcel.kind, free_memory=False)
        size = size_of(parcel.files[operation.path_in_repo])
        say(f"{number} of {len(operations)}: {operation.path_in_repo}, {size:,} bytes")
    done = api.create_commit(
        repository, operations, commit_message="Pushed by codemill", repo_type=parcel.kind
    )
    return str(done.commit_url)


def _refused(repository: str, status: int) -> Problem:
    reasons = {
        401: ("was refused: the token is not valid", "export HF_TOKEN with a valid token"),
        403: ("was refused: the token may not write there", "use a token with the right to write"),
        404: ("was not found", "correct the name, or use a token that may see it"),
    }
    words, fix = reasons.get(
        status, (f"was refused with status {status}", "rerun the same command: it goes on where it stopped")
    )
    return Problem(f"repository {repository}", words, fix, _SEE)
