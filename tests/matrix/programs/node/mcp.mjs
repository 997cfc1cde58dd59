// The client of the official MCP SDK over Streamable HTTP.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Words, tell, versionOf } from "./telling.mjs";

const key = "tameflare_tools_placeholder";
const requestInit = { headers: { authorization: `Bearer ${key}` } };
const client = new Client({ name: "matrix", version: "1" });
await client.connect(new StreamableHTTPClientTransport(new URL("https://tools.example/mcp"), { requestInit }));

async function called(name, options) {
  const done = await client.callTool({ name, arguments: {} }, undefined, options);
  return done.content[0].text === `did ${name}`;
}

await tell(versionOf("@modelcontextprotocol/sdk"), key, {
  allowed: () => called("search_issues"),
  denied: () => called("delete_repo"),
  held: () => called("publish"),
  stream: () => called("build_report", { onprogress: () => new Words().add("step") }),
});
await client.close();
