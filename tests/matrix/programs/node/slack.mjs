// Slack's SDK with the settings that it comes with; it tries again by itself, for half an hour.
import { WebClient } from "@slack/web-api";
import { CLIENT, tell, versionOf } from "./telling.mjs";

const key = process.env.SLACK_BOT_TOKEN;
const client = new WebClient(key);

await tell(versionOf("@slack/web-api"), key, {
  allowed: async () => (await client.auth.test()).team === "demo",
  denied: () => client.conversations.archive({ channel: "C0DEMO" }),
  held: async () => (await client.chat.postMessage({ channel: "C0DEMO", text: CLIENT })).message.text === CLIENT,
});
