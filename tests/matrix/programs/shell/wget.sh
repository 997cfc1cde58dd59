# wget, without any option that concerns a proxy or certificates.
set -o pipefail
source "$(dirname "$0")/telling.sh"

github() { wget --no-verbose --output-document=- --header="Authorization: Bearer $GITHUB_TOKEN" "$@"; }

allowed() { github "$USER_AT"; }

denied() { github --method=PUT "$MERGE"; }

held() {
  github --header='Content-Type: application/json' --method=POST --body-data="{\"title\": \"$MATRIX_CLIENT\"}" "$ISSUES"
}

stream() {
  wget --quiet --output-document=- --header="Authorization: Bearer $OPENAI_API_KEY" \
    --header='Content-Type: application/json' --method=POST --body-data="$STREAMED" "$CHAT" | words
}

tell "$(wget --version | awk '{print $3; exit}')" "$GITHUB_TOKEN"
