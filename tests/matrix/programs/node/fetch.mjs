// Node's own fetch, and what everybody writes around it.
import { CHAT, CLIENT, GITHUB_TOKEN, ISSUES, MERGE, STREAMED, USER, WORDS, forGithub, forOpenai, joined, tell } from "./telling.mjs";

async function asked(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer;
}

await tell(`Node ${process.versions.node}`, GITHUB_TOKEN, {
  allowed: async () => (await (await asked(USER, { headers: forGithub })).json()).login === "octo-demo",
  denied: () => asked(MERGE, { method: "PUT", headers: forGithub }),
  held: async () => {
    const answer = await asked(ISSUES, { method: "POST", headers: forGithub, body: JSON.stringify({ title: CLIENT }) });
    return (await answer.json()).title === CLIENT;
  },
  stream: async () => {
    const answer = await asked(CHAT, { method: "POST", headers: forOpenai, body: JSON.stringify(STREAMED) });
    return (await joined(answer.body)) === WORDS;
  },
});
