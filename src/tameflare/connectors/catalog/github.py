"""GitHub's REST API (docs.github.com/rest, version 2022-11-28) and git over HTTPS: what programs use most."""

from __future__ import annotations

from operator import methodcaller
from typing import Final

from tameflare.connectors.catalog.rows import (
    DESTRUCTIVE,
    HIGH,
    LOW,
    MEDIUM,
    PUBLIC,
    READ,
    WRITE,
    download,
    read,
    remove,
)
from tameflare.connectors.routes import BodyKind, Route, When

REPO: Final = "/repos/{owner}/{repo}"
PULL: Final = REPO + "/pulls/{pull_number:int}"
ISSUE: Final = REPO + "/issues/{issue_number:int}"
RELEASE: Final = REPO + "/releases/{release_id:int}"
CONTENTS: Final = REPO + "/contents/{path+}"
GIT: Final = "/{owner}/{repo}"
PAGES: Final = "per_page:int page:int"
CLOSED: Final = When("state", equals="closed")
STATE: Final = ("state", "state_reason")

_PULLS: Final = (
    read(REPO + "/pulls", "github.pr.list", PAGES),
    Route("POST", REPO + "/pulls", "github.pr.create"),
    read(PULL, "github.pr.get"),
    Route("PATCH", PULL, "github.pr.close", when=CLOSED),
    Route("PATCH", PULL, "github.pr.update", beside=STATE),
    Route("PUT", PULL + "/merge", "github.pr.merge", risk=HIGH),
    read(PULL + "/merge", "github.pr.get_merged"),
    Route("PUT", PULL + "/update-branch", "github.pr.update_branch"),
    read(PULL + "/files", "github.pr.list_files", PAGES),
    read(PULL + "/commits", "github.pr.list_commits", PAGES),
    read(PULL + "/comments", "github.pr.list_comments", PAGES),
    Route("POST", PULL + "/comments", "github.pr.comment"),
    Route("POST", PULL + "/comments/{comment_id:int}/replies", "github.pr.comment"),
    read(REPO + "/pulls/comments/{comment_id:int}", "github.pr.get_comment"),
    Route("PATCH", REPO + "/pulls/comments/{comment_id:int}", "github.pr.update_comment"),
    remove(REPO + "/pulls/comments/{comment_id:int}", "github.pr.delete_comment", MEDIUM),
    read(PULL + "/reviews", "github.pr.list_reviews", PAGES),
    Route("POST", PULL + "/reviews", "github.pr.review"),
    read(PULL + "/reviews/{review_id:int}", "github.pr.get_review"),
    Route("POST", PULL + "/reviews/{review_id:int}/events", "github.pr.review"),
    Route("PUT", PULL + "/reviews/{review_id:int}/dismissals", "github.pr.dismiss_review"),
    read(PULL + "/requested_reviewers", "github.pr.list_reviewers"),
    Route("POST", PULL + "/requested_reviewers", "github.pr.request_review"),
)
_ISSUES: Final = (
    read("/issues", "github.issue.list", PAGES),
    read(REPO + "/issues", "github.issue.list", PAGES),
    Route("POST", REPO + "/issues", "github.issue.create"),
    read(ISSUE, "github.issue.get"),
    Route("PATCH", ISSUE, "github.issue.close", when=CLOSED),
    Route("PATCH", ISSUE, "github.issue.update", beside=STATE),
    read(ISSUE + "/comments", "github.issue.list_comments", PAGES),
    Route("POST", ISSUE + "/comments", "github.issue.comment"),
    read(REPO + "/issues/comments/{comment_id:int}", "github.issue.get_comment"),
    Route("PATCH", REPO + "/issues/comments/{comment_id:int}", "github.issue.update_comment"),
    remove(REPO + "/issues/comments/{comment_id:int}", "github.issue.delete_comment", MEDIUM),
    read(ISSUE + "/labels", "github.issue.list_labels", PAGES),
    Route("POST", ISSUE + "/labels", "github.issue.label"),
    Route("PUT", ISSUE + "/labels", "github.issue.label"),
    remove(ISSUE + "/labels/{name+}", "github.issue.unlabel", LOW),
    Route("POST", ISSUE + "/assignees", "github.issue.assign"),
    Route("PUT", ISSUE + "/lock", "github.issue.lock"),
    read(REPO + "/labels", "github.label.list", PAGES),
    Route("POST", REPO + "/labels", "github.label.create", risk=LOW),
    read(REPO + "/milestones", "github.milestone.list", PAGES),
    Route("POST", REPO + "/milestones", "github.milestone.create", risk=LOW),
)
_BRANCHES: Final = (
    read(REPO + "/branches", "github.branch.list", PAGES),
    read(REPO + "/branches/{branch+}", "github.branch.get"),
    read(REPO + "/branches/{branch+}/protection", "github.branch.get_protection"),
    Route("PUT", REPO + "/branches/{branch+}/protection", "github.branch.protect", risk=HIGH),
    remove(REPO + "/branches/{branch+}/protection", "github.branch.unprotect"),
    Route("POST", REPO + "/branches/{branch+}/rename", "github.branch.rename", risk=HIGH),
    Route("POST", REPO + "/merges", "github.branch.merge", risk=HIGH),
    Route("POST", REPO + "/merge-upstream", "github.branch.sync"),
    read(REPO + "/git/ref/{ref+}", "github.ref.get"),
    read(REPO + "/git/matching-refs/{ref+}", "github.ref.list"),
    Route("POST", REPO + "/git/refs", "github.branch.create", when=When("ref", starts="refs/heads/")),
    Route("POST", REPO + "/git/refs", "github.tag.create", when=When("ref", starts="refs/tags/")),
    Route("POST", REPO + "/git/refs", "github.ref.create"),
    Route("PATCH", REPO + "/git/refs/{ref+}", "github.repo.push", risk=HIGH),
    remove(REPO + "/git/refs/heads/{branch+}", "github.branch.delete"),
    remove(REPO + "/git/refs/tags/{tag+}", "github.tag.delete"),
    remove(REPO + "/git/refs/{ref+}", "github.ref.delete"),
    read(REPO + "/git/commits/{commit_sha}", "github.commit.get"),
    Route("POST", REPO + "/git/commits", "github.commit.create"),
    read(REPO + "/git/trees/{tree_sha+}", "github.tree.get"),
    Route("POST", REPO + "/git/trees", "github.tree.create"),
    read(REPO + "/git/blobs/{file_sha}", "github.blob.get"),
    Route("POST", REPO + "/git/blobs", "github.blob.create"),
    Route("POST", REPO + "/git/tags", "github.tag.create_object"),
    read(REPO + "/tags", "github.tag.list", PAGES),
    read(REPO + "/commits", "github.commit.list", PAGES),
    read(REPO + "/commits/{ref+}", "github.commit.get"),
    read(REPO + "/commits/{ref+}/status", "github.commit.get_status"),
    read(REPO + "/commits/{ref+}/check-runs", "github.check.list", PAGES),
    read(REPO + "/compare/{basehead+}", "github.commit.compare", PAGES),
    Route("POST", REPO + "/statuses/{sha}", "github.commit.create_status"),
)
_RELEASES: Final = (
    read(REPO + "/releases", "github.release.list", PAGES),
    Route("POST", REPO + "/releases", "github.release.create", PUBLIC, HIGH),
    read(REPO + "/releases/latest", "github.release.get"),
    read(REPO + "/releases/tags/{tag+}", "github.release.get"),
    read(RELEASE, "github.release.get"),
    Route("PATCH", RELEASE, "github.release.update", PUBLIC),
    remove(RELEASE, "github.release.delete"),
    read(RELEASE + "/assets", "github.release.list_assets", PAGES),
    download(REPO + "/releases/assets/{asset_id:int}", "github.release.get_asset"),
    remove(REPO + "/releases/assets/{asset_id:int}", "github.release.delete_asset"),
    Route("POST", RELEASE + "/assets", "github.release.upload_asset", PUBLIC, body=BodyKind.RAW, surface="uploads"),
)
_FILES: Final = (
    read(REPO + "/readme", "github.file.get"),
    read(REPO + "/contents", "github.file.get"),
    read(CONTENTS, "github.file.get"),
    Route("PUT", CONTENTS, "github.file.create", when=When("sha", present=False)),
    Route("PUT", CONTENTS, "github.file.update", when=When("sha", present=True)),
    remove(CONTENTS, "github.file.delete", body=BodyKind.JSON),
)
_REPOS: Final = (
    read(REPO, "github.repo.get"),
    Route("PATCH", REPO, "github.repo.update", risk=HIGH),
    remove(REPO, "github.repo.delete"),
    read("/user/repos", "github.repo.list", PAGES),
    read("/users/{username}/repos", "github.repo.list", PAGES),
    read("/orgs/{org}/repos", "github.repo.list", PAGES),
    Route("POST", "/user/repos", "github.repo.create"),
    Route("POST", "/orgs/{org}/repos", "github.repo.create"),
    Route("POST", REPO + "/generate", "github.repo.create"),
    Route("POST", REPO + "/forks", "github.repo.fork"),
    read(REPO + "/forks", "github.repo.list_forks", PAGES),
    Route("POST", REPO + "/transfer", "github.repo.transfer", DESTRUCTIVE, HIGH),
    download(REPO + "/tarball", "github.repo.download"),
    download(REPO + "/tarball/{ref+}", "github.repo.download"),
    download(REPO + "/zipball", "github.repo.download"),
    download(REPO + "/zipball/{ref+}", "github.repo.download"),
    read(REPO + "/topics", "github.repo.get_topics"),
    read(REPO + "/languages", "github.repo.list_languages"),
    read(REPO + "/contributors", "github.repo.list_contributors", PAGES),
    read(REPO + "/collaborators", "github.collaborator.list", PAGES),
    Route("PUT", REPO + "/collaborators/{username}", "github.collaborator.add", risk=HIGH),
    remove(REPO + "/collaborators/{username}", "github.collaborator.remove"),
    read(REPO + "/hooks", "github.hook.list", PAGES),
    Route("POST", REPO + "/hooks", "github.hook.create", risk=HIGH),
    remove(REPO + "/hooks/{hook_id:int}", "github.hook.delete"),
    Route("POST", REPO + "/keys", "github.deploy_key.create", risk=HIGH),
    Route("POST", REPO + "/dispatches", "github.repo.dispatch"),
)
_ACTIONS: Final = (
    read(REPO + "/actions/workflows", "github.workflow.list", PAGES),
    Route("POST", REPO + "/actions/workflows/{workflow_id}/dispatches", "github.workflow.dispatch"),
    read(REPO + "/actions/runs", "github.workflow_run.list", PAGES),
    read(REPO + "/actions/runs/{run_id:int}", "github.workflow_run.get"),
    read(REPO + "/actions/runs/{run_id:int}/jobs", "github.workflow_run.list_jobs", PAGES),
    download(REPO + "/actions/runs/{run_id:int}/logs", "github.workflow_run.get_logs"),
    download(REPO + "/actions/artifacts/{artifact_id:int}/{archive_format}", "github.artifact.download"),
    Route("POST", REPO + "/actions/runs/{run_id:int}/rerun", "github.workflow_run.rerun"),
    Route("POST", REPO + "/actions/runs/{run_id:int}/cancel", "github.workflow_run.cancel"),
    read(REPO + "/actions/secrets", "github.actions_secret.list", PAGES),
    Route("PUT", REPO + "/actions/secrets/{secret_name}", "github.actions_secret.set", risk=HIGH),
    remove(REPO + "/actions/secrets/{secret_name}", "github.actions_secret.delete"),
)
_PEOPLE: Final = (
    read("/user", "github.user.get"),
    read("/users/{username}", "github.user.get"),
    read("/user/orgs", "github.org.list", PAGES),
    read("/orgs/{org}", "github.org.get"),
    Route("PATCH", "/orgs/{org}", "github.org.update", risk=HIGH),
    read("/orgs/{org}/members", "github.org.list_members", PAGES),
    read("/orgs/{org}/teams", "github.team.list", PAGES),
    Route("POST", "/orgs/{org}/teams", "github.team.create", risk=HIGH),
    read("/orgs/{org}/teams/{team_slug}", "github.team.get"),
    Route("PATCH", "/orgs/{org}/teams/{team_slug}", "github.team.update", risk=HIGH),
    remove("/orgs/{org}/teams/{team_slug}", "github.team.delete"),
    read("/gists", "github.gist.list", PAGES),
    Route("POST", "/gists", "github.gist.create", PUBLIC),
    read("/gists/{gist_id}", "github.gist.get"),
    remove("/gists/{gist_id}", "github.gist.delete"),
    read("/notifications", "github.notification.list", PAGES),
    read("/search/code", "github.code.search", PAGES),
    read("/search/issues", "github.issue.search", PAGES),
    read("/search/repositories", "github.repo.search", PAGES),
    read("/search/commits", "github.commit.search", PAGES),
    read("/search/users", "github.user.search", PAGES),
    read("/rate_limit", "github.rate_limit.get"),
    read("/meta", "github.meta.get"),
)
_UPLOAD_PACK: Final = When("service", equals="git-upload-pack", in_query=True)
_RECEIVE_PACK: Final = When("service", equals="git-receive-pack", in_query=True)
_LFS: Final = GIT + "/info/lfs/objects/batch"
_LOCKS: Final = GIT + "/info/lfs/locks"
_GIT: Final = (
    Route("POST", GIT + "/git-upload-pack", "github.repo.fetch", READ, LOW, body=BodyKind.RAW, surface="git"),
    Route("POST", GIT + "/git-receive-pack", "github.repo.push", WRITE, HIGH, body=BodyKind.RAW, surface="git"),
    Route("GET", GIT + "/info/refs", "github.repo.fetch", READ, LOW, when=_UPLOAD_PACK, surface="git"),
    Route("GET", GIT + "/info/refs", "github.repo.push", WRITE, HIGH, when=_RECEIVE_PACK, surface="git"),
    Route("POST", _LFS, "github.repo.fetch", READ, LOW, when=When("operation", equals="download"), surface="git"),
    Route("POST", _LFS, "github.repo.push", WRITE, HIGH, when=When("operation", equals="upload"), surface="git"),
    Route("GET", _LOCKS, "github.file.list_locks", READ, LOW, surface="git"),
    Route("POST", _LOCKS + "/verify", "github.file.list_locks", READ, LOW, surface="git"),
    Route("POST", _LOCKS, "github.file.lock", surface="git"),
    Route("POST", _LOCKS + "/{lock_id}/unlock", "github.file.unlock", surface="git"),
)

READERS: Final = {"repo": methodcaller("removesuffix", ".git")}
ROUTES: Final = (*_PULLS, *_ISSUES, *_BRANCHES, *_RELEASES, *_FILES, *_REPOS, *_ACTIONS, *_PEOPLE, *_GIT)
