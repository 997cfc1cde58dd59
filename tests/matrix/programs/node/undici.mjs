// undici from npm: `request`, with the dispatcher that it finds. Its argument is the name that it is installed under.
import { CHAT, CLIENT, GITHUB_TOKEN, ISSUES, MERGE, STREAMED, USER, WORDS, forGithub, forOpenai, joined, tell, versionOf } from "./telling.mjs";

const name = process.argv[2];
const { request } = await import(name);

async function asked(method, url, headers, body) {
  const answer = await request(url, { method, headers, body: body && JSON.stringify(body) });
  if (answer.statusCode < 300) return answer.body;
  throw new Error(`${answer.statusCode} ${await answer.body.text()}`);
}

await tell(versionOf(name), GITHUB_TOKEN, {
  allowed: async () => (await (await asked("GET", USER, forGithub)).json()).login === "octo-demo",
  denied: () => asked("PUT", MERGE, forGithub),
  held: async () => (await (await asked("POST", ISSUES, forGithub, { title: CLIENT })).json()).title === CLIENT,
  stream: async () => (await joined(await asked("POST", CHAT, forOpenai, STREAMED))) === WORDS,
});
