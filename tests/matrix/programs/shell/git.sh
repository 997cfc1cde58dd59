# git over HTTPS, the key in the address as in many a CI job.
source "$(dirname "$0")/telling.sh"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
AT=https://x-access-token:$GITHUB_TOKEN@github.com/acme/site.git
RIGHT='first'
HELD='[new branch]'
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 HOME=$made
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com

in_clone() { git -C "$made/site" "$@"; }

allowed() {
  git clone --quiet "$AT" "$made/site" && in_clone fetch --quiet origin && in_clone log -1 --format=%s
}

changed() {
  [ -d "$made/site" ] || git clone --quiet "$AT" "$made/site"
  in_clone commit --quiet --allow-empty --message=second
}

denied() { changed && in_clone push origin HEAD:main; }

held() { changed && in_clone push origin "HEAD:matrix-$$"; }

tell "$(git --version | awk '{print $3}')" "$GITHUB_TOKEN"
