// npm itself, from a registry that wants a key: installs a package, would publish it, takes a tag away.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tell } from "./telling.mjs";

const key = "tameflare_npm_placeholder";
const folder = mkdtempSync(join(tmpdir(), "npm-"));
const env = {
  ...process.env,
  HOME: folder,
  npm_config_registry: "https://registry.npmjs.org/",
  npm_config_cache: join(folder, "cache"),
  npm_config_update_notifier: "false",
  "npm_config_//registry.npmjs.org/:_authToken": key,
};
writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "tiny", version: "2.0.0" }));

// What npm printed; where it failed, an error whose text are its lines of error, as far as they are the same in each run.
function npm(...words) {
  return new Promise((done, failed) => {
    const child = spawn("npm", words, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let errors = "";
    child.stdout.on("data", (piece) => (out += piece));
    child.stderr.on("data", (piece) => (errors += piece));
    child.on("close", (code) => (code ? failed(new Refused(errors)) : done(out.trim())));
  });
}

class Refused extends Error {
  toString() {
    const lines = this.message.split("\n").filter((line) => line.startsWith("npm error") && !line.includes(folder));
    return lines.join("\n").trim();
  }
}

await tell(`npm ${await npm("--version")}`, key, {
  allowed: async () => {
    await npm("install", "tiny", "--prefix", join(folder, "user"), "--no-audit", "--no-fund");
    return existsSync(join(folder, "user", "node_modules", "tiny", "index.js"));
  },
  denied: () => npm("publish"),
  held: async () => (await npm("dist-tag", "rm", "tiny", "beta")).startsWith("-beta"),
});
rmSync(folder, { recursive: true });
