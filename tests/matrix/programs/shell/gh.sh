# GitHub's own command line, by its REST commands; it reads GH_TOKEN.
source "$(dirname "$0")/telling.sh"
export GH_CONFIG_DIR=/nonexistent GH_NO_UPDATE_NOTIFIER=1 GH_PROMPT_DISABLED=1

allowed() { gh api user; }

denied() { gh api --method PUT repos/acme/site/pulls/1/merge; }

held() { gh api repos/acme/site/issues --field title="$MATRIX_CLIENT"; }

tell "$(gh --version | awk '{print $3; exit}')" "$GH_TOKEN"
