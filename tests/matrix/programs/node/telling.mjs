// What all the programs in Node share: they play their scenarios and print a line of JSON for each.
import { readFileSync } from "node:fs";
import { inspect } from "node:util";

export const { MATRIX_CLIENT: CLIENT, GITHUB_TOKEN, OPENAI_API_KEY } = process.env;
const played = process.env.MATRIX_SCENARIOS.split(" ");
const github = "https://api.github.com";
export const USER = `${github}/user`;
export const MERGE = `${github}/repos/acme/site/pulls/1/merge`;
export const ISSUES = `${github}/repos/acme/site/issues`;
export const CHAT = "https://api.openai.com/v1/chat/completions";
export const MESSAGES = [{ role: "user", content: "hi" }];
export const STREAMED = { model: "gpt-demo", messages: MESSAGES, stream: true };
export const WORDS = "Hello from the double.";
export const forGithub = { authorization: `Bearer ${GITHUB_TOKEN}` };
export const forOpenai = { authorization: `Bearer ${OPENAI_API_KEY}`, "content-type": "application/json" };

const say = (line) => console.log(JSON.stringify(line));

// Gathers words; tells when the first of them has come, for only then does the vendor send the rest.
export class Words {
  text = "";
  add(word) {
    if (word && !this.text) say({ event: "first" });
    this.text += word ?? "";
  }
}

// The words of a stream of events as OpenAI sends it.
export async function joined(pieces) {
  const words = new Words();
  const decoder = new TextDecoder();
  for await (const piece of pieces)
    for (const line of decoder.decode(piece, { stream: true }).split("\n"))
      if (line.startsWith("data: {")) words.add(JSON.parse(line.slice(6)).choices[0].delta.content);
  return words.text;
}

// The version of a package that is installed here.
export function versionOf(name) {
  const place = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(place)).version;
}

// What the user of a program sees that ends by an error: its text, and where that does not say why, those lines of what
// Node prints of it that do.
function shown(fault) {
  const text = String(fault);
  if (text.includes("denied by a rule")) return text;
  const lines = inspect(fault).split("\n").map((line) => line.trim());
  return [text, ...lines.filter((line) => line.includes("denied by a rule"))].join("\n");
}

// Plays what is asked for. `allowed`, `held` and `stream` come to whether the right answer came; `denied` must throw.
export async function tell(version, key, scenarios) {
  say({ version });
  for (const scenario of played) {
    const [came, fault] = await scenarios[scenario]().then((done) => [done], (thrown) => [false, thrown]);
    const ok = scenario === "denied" ? Boolean(fault) : came === true;
    say({ scenario, ok, seen: fault ? shown(fault) : String(came), key_seen: key });
  }
}
