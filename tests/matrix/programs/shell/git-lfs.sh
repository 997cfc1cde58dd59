# git-lfs: gets a large file, locks one, pushes one.
source "$(dirname "$0")/telling.sh"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
RIGHT=large
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_NOSYSTEM=1 HOME=$made
AT=https://x-access-token:$GITHUB_TOKEN@ghe.example/acme/site.git
OID=$(printf large | sha256sum | cut -c1-64)

{
  git init "$made/site" && cd "$made/site" && git lfs install --local
  git remote add origin "$AT"
  git config user.name t && git config user.email t@example.com
} >/dev/null 2>&1

allowed() { printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 5\n' "$OID" | git lfs smudge; }

denied() { git lfs lock large; }

held() { git lfs push --object-id origin "$OID" && echo "$MATRIX_CLIENT"; }

tell "$(git lfs version | sed -E 's|^git-lfs/([^ ]+).*|\1|')" "$GITHUB_TOKEN"
