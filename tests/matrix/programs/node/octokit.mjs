// octokit with its plug-ins, among them the one that tries again.
import { Octokit } from "octokit";
import { CLIENT, GITHUB_TOKEN, tell, versionOf } from "./telling.mjs";

const { rest } = new Octokit({ auth: GITHUB_TOKEN });
const place = { owner: "acme", repo: "site" };

await tell(versionOf("octokit"), GITHUB_TOKEN, {
  allowed: async () => (await rest.users.getAuthenticated()).data.login === "octo-demo",
  denied: () => rest.pulls.merge({ ...place, pull_number: 1 }),
  held: async () => (await rest.issues.create({ ...place, title: CLIENT })).data.title === CLIENT,
});
