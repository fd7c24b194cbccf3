"""A cluster that comes or goes, as a branch and pull request: the edit that `cluster new`, `remove` and
`expire` make in a working tree, made upon the branch that people merge into.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from okd_gitops.evidence.proposal import PREFIX
from okd_gitops.evidence.records import Records
from okd_gitops.finding import FindingsError
from okd_gitops.generate.commit import commit_draft
from okd_gitops.lifecycle.edit_clusters import Saved, Saving
from okd_gitops.report.pull_request_text import body
from okd_gitops.report.report import report
from okd_gitops.rollout.publish import Branch
from okd_gitops.rollout.request import Request, Tools, base_of, records_of, tools_for
from okd_gitops.system import branches
from okd_gitops.system.draft import Draft, drafted
from okd_gitops.system.kept import Kept
from okd_gitops.upgrade.recorded import Recorded

_ATTEMPTS = 4
_LABEL = "okd-cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """An edit that was made for a branch, and the branch (none: there was nothing to edit)."""

    saved: Saved
    branch: Branch | None


# Makes the edit in a folder, by what the hub has recorded.
Edits = Callable[[Path, Records, Saving], Saved]


def propose_edit(
    root: Path,
    cache: Path,
    name: str,
    edit: Edits,
    request: Request,
    *,
    now: datetime,
    say: Callable[[str], None],
) -> Proposed:
    """Make an edit upon the remote's branch, judge it like anybody's change, and push it as `okd/NAME`.

    A repository of unattended clusters has no branch for it: it goes onto the one that Argo CD follows.

    A race with somebody who merges in between is run again. Raises what `edit` raises, FindingsError for a
    change that `check --base` refuses, BlockedError for a branch to which others have added, RemoteError and
    RaceError like `rollout`.
    """
    tools = tools_for(root, cache, Recorded(Records(), now), request, now=now, say=say)

    return branches.repeated(
        lambda: _once(tools, f"{PREFIX}{name}", edit, request),
        attempts=_ATTEMPTS,
        on_race=lambda: say("somebody pushed or merged in between: editing again"),
    )


def _once(tools: Tools, name: str, edit: Edits, request: Request) -> Proposed:
    records = records_of(tools, request)
    base = base_of(tools)

    with drafted(tools.root, base) as draft:
        saved = edit(draft.folder, records, Saving(whole=True))
        generated = saved.edited.generated

        if generated is None:
            return Proposed(saved=saved, branch=None)

        # As the remote has it: no working tree decides that nobody needs to look.
        is_unattended = generated.fleet.spec.unattended
        name = tools.revision if is_unattended else name
        commit_draft(draft, generated, saved.edited.edit.paths, subject=saved.subject, trailers=())
        made = _described(tools, draft, name, saved.subject, base, records)

    tools.publisher.withdraw(except_for=[name])
    branch = tools.publisher.publish(made)

    if branch.state == "pushed" and not is_unattended:
        tools.publisher.recheck([branch], base, None if request.records else records.commit)

    return Proposed(saved=saved, branch=branch)


def _described(tools: Tools, draft: Draft, name: str, subject: str, base: str, records: Records) -> Branch:
    """Return the branch with the text that `report` writes for it; raises FindingsError for a refused one."""
    kept = Kept.for_draft(tools.root, tools.cache)
    described = report(draft.folder, tools.cache, base, records, now=tools.now, say=tools.say, kept=kept)

    if described.error:
        raise described.error

    judged = described.judged

    if judged and judged.exit_code:
        raise FindingsError(judged.findings, exit_code=judged.exit_code)

    return Branch(
        name=name,
        base=base,
        sha=draft.tip,
        commits=tuple(branches.commits(tools.root, base, draft.tip)),
        title=subject,
        body=body(described.pull),
        labels=(_LABEL,),
    )
