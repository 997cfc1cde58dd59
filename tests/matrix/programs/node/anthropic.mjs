// Anthropic's SDK with the settings that it comes with; it tries again by itself.
import Anthropic from "@anthropic-ai/sdk";
import { MESSAGES, WORDS, Words, tell, versionOf } from "./telling.mjs";

const client = new Anthropic();
const asked = { model: "claude-demo", max_tokens: 9, messages: MESSAGES };

await tell(versionOf("@anthropic-ai/sdk"), process.env.ANTHROPIC_API_KEY, {
  allowed: async () => (await client.messages.create(asked)).content[0].text === WORDS,
  denied: () => client.models.list(),
  held: async () => (await client.beta.files.delete("file_demo")).id === "file_demo",
  stream: async () => {
    const words = new Words();
    await client.messages.stream(asked).on("text", (text) => words.add(text)).finalMessage();
    return words.text === WORDS;
  },
});
