// Node's https module, with an agent of the program's own.
import https from "node:https";
import { CHAT, CLIENT, GITHUB_TOKEN, ISSUES, MERGE, STREAMED, USER, WORDS, forGithub, forOpenai, joined, tell } from "./telling.mjs";

const agent = new https.Agent({ keepAlive: true });

function asked(method, url, headers, body) {
  return new Promise((done, failed) => {
    const request = https.request(url, { method, headers, agent }, (answer) => {
      if (answer.statusCode < 300) return done(answer);
      answer.resume();
      failed(new Error(`${answer.statusCode} ${answer.statusMessage}`));
    });
    request.on("error", failed);
    request.end(body && JSON.stringify(body));
  });
}

async function json(answer) {
  const pieces = await answer.toArray();
  return JSON.parse(Buffer.concat(pieces));
}

await tell(`Node ${process.versions.node}`, GITHUB_TOKEN, {
  allowed: async () => (await json(await asked("GET", USER, forGithub))).login === "octo-demo",
  denied: () => asked("PUT", MERGE, forGithub),
  held: async () => (await json(await asked("POST", ISSUES, forGithub, { title: CLIENT }))).title === CLIENT,
  stream: async () => (await joined(await asked("POST", CHAT, forOpenai, STREAMED))) === WORDS,
});
agent.destroy();
