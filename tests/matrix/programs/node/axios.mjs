// axios, as its documentation uses it.
import axios from "axios";
import { CHAT, CLIENT, GITHUB_TOKEN, ISSUES, MERGE, STREAMED, USER, WORDS, forGithub, forOpenai, joined, tell } from "./telling.mjs";

const github = { headers: forGithub };

await tell(axios.VERSION, GITHUB_TOKEN, {
  allowed: async () => (await axios.get(USER, github)).data.login === "octo-demo",
  denied: () => axios.put(MERGE, undefined, github),
  held: async () => (await axios.post(ISSUES, { title: CLIENT }, github)).data.title === CLIENT,
  stream: async () => {
    const answer = await axios.post(CHAT, STREAMED, { headers: forOpenai, responseType: "stream" });
    return (await joined(answer.data)) === WORDS;
  },
});
