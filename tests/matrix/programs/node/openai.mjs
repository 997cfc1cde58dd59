// OpenAI's SDK with the settings that it comes with; it tries again by itself.
import OpenAI from "openai";
import { MESSAGES, OPENAI_API_KEY, WORDS, Words, tell, versionOf } from "./telling.mjs";

const client = new OpenAI();
const asked = { model: "gpt-demo", messages: MESSAGES };

await tell(versionOf("openai"), OPENAI_API_KEY, {
  allowed: async () => (await client.chat.completions.create(asked)).choices[0].message.content === WORDS,
  denied: () => client.models.delete("ft-precious"),
  held: async () => (await client.embeddings.create({ model: "gpt-demo", input: "x" })).data[0].embedding[1] === 0.5,
  stream: async () => {
    const words = new Words();
    for await (const chunk of await client.chat.completions.create({ ...asked, stream: true }))
      words.add(chunk.choices[0].delta.content);
    return words.text === WORDS;
  },
});
