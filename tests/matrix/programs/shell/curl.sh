# curl, as vendors' documentation uses it.
set -o pipefail
source "$(dirname "$0")/telling.sh"

github() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $GITHUB_TOKEN" "$@"; }

allowed() { github "$USER_AT"; }

denied() { github --request PUT "$MERGE"; }

held() { github --json "{\"title\": \"$MATRIX_CLIENT\"}" "$ISSUES"; }

stream() {
  curl --silent --no-buffer --header "Authorization: Bearer $OPENAI_API_KEY" --json "$STREAMED" "$CHAT" | words
}

tell "$(curl --version | awk '{print $2; exit}')" "$GITHUB_TOKEN"
