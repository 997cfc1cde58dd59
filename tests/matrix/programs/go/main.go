// net/http of Go's standard library, as its documentation uses it: no word of a proxy or of certificates.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
)

const site = "https://api.github.com/repos/acme/site"
const chat = "https://api.openai.com/v1/chat/completions"
const streamed = `{"model": "gpt-demo", "messages": [{"role": "user", "content": "hi"}], "stream": true}`

var client, key = os.Getenv("MATRIX_CLIENT"), os.Getenv("GITHUB_TOKEN")
var word = regexp.MustCompile(`"content": ?"([^"]*)"`)

func open(method, url, body, key string) (*http.Response, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(answer.Body)
		return nil, fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(text)))
	}
	return answer, nil
}

func holds(method, url, body, right string) (bool, error) {
	answer, err := open(method, url, body, key)
	if err != nil {
		return false, err
	}
	text, err := io.ReadAll(answer.Body)
	return strings.Contains(string(text), right), err
}

func stream() (bool, error) {
	answer, err := open("POST", chat, streamed, os.Getenv("OPENAI_API_KEY"))
	if err != nil {
		return false, err
	}
	words := ""
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		found := word.FindStringSubmatch(lines.Text())
		if found != nil && found[1] != "" {
			if words == "" {
				say(map[string]any{"event": "first"})
			}
			words += found[1]
		}
	}
	return words == "Hello from the double.", nil
}

func play(scenario string) (bool, error) {
	switch scenario {
	case "allowed":
		return holds("GET", "https://api.github.com/user", "", "octo-demo")
	case "denied":
		return holds("PUT", site+"/pulls/1/merge", "", "no answer is right")
	case "held":
		return holds("POST", site+"/issues", fmt.Sprintf(`{"title": %q}`, client), client)
	default:
		return stream()
	}
}

func say(line map[string]any) {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	_ = out.Encode(line)
}

func main() {
	say(map[string]any{"version": strings.TrimPrefix(runtime.Version(), "go")})
	for _, scenario := range strings.Fields(os.Getenv("MATRIX_SCENARIOS")) {
		ok, err := play(scenario)
		seen := fmt.Sprint(ok)
		if err != nil {
			seen, ok = err.Error(), scenario == "denied"
		}
		say(map[string]any{"scenario": scenario, "ok": ok, "seen": seen, "key_seen": key})
	}
}
