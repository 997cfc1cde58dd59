# What the programs in bash share. A program defines a function for each scenario, which prints what the client prints
# and ends as it ends, then calls `tell VERSION KEY`.

USER_AT=https://api.github.com/user
SITE=https://api.github.com/repos/acme/site
MERGE=$SITE/pulls/1/merge
ISSUES=$SITE/issues
CHAT=https://api.openai.com/v1/chat/completions
STREAMED='{"model": "gpt-demo", "messages": [{"role": "user", "content": "hi"}], "stream": true}'

quoted() { # text as a JSON string
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  printf '"%s"' "${text//$'\r'/}"
}

words() { # the words of a stream of events, on standard input as it comes; tells when the first has come
  local line found=
  while IFS= read -r line; do
    [[ $line =~ \"content\":\ ?\"([^\"]*)\" ]] || continue
    [ -n "$found" ] || [ -z "${BASH_REMATCH[1]}" ] || echo '{"event": "first"}' >&3
    found+=${BASH_REMATCH[1]}
  done
  printf '%s' "$found"
}

tell() { # the client's version, and what is used as its key
  local version=$1 key=$2 scenario seen status ok
  exec 3>&1
  echo "{\"version\": $(quoted "$version")}"
  for scenario in $MATRIX_SCENARIOS; do
    seen=$("$scenario" 2>&1) && status=0 || status=$?
    ok=false
    case $scenario in
      denied) [ "$status" -eq 0 ] || ok=true ;;
      allowed) [ "$status" -ne 0 ] || [[ $seen != *"${RIGHT:-octo-demo}"* ]] || ok=true ;;
      held) [ "$status" -ne 0 ] || [[ $seen != *"${HELD:-$MATRIX_CLIENT}"* ]] || ok=true ;;
      stream) [ "$status" -ne 0 ] || [ "$seen" != 'Hello from the double.' ] || ok=true ;;
    esac
    echo "{\"scenario\": \"$scenario\", \"ok\": $ok, \"seen\": $(quoted "$seen"), \"key_seen\": $(quoted "$key")}"
  done
}
