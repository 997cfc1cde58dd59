// What the official TypeScript SDK's client sees of an MCP server: `node client.mjs URL [PARTS…]`, told as JSON.
// PARTS: `report` (a tool that tells its progress), `ask` (one that asks back).
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [url, ...parts] = process.argv.slice(2);
const transport = new StreamableHTTPClientTransport(new URL(url));
const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, () => ({ action: "accept", content: { sure: true } }));
const told = { steps: [] };
const text = (result) => result.content[0].text;

await client.connect(transport);
told.tools = (await client.listTools()).tools.map((tool) => tool.name).sort();
told.found = text(await client.callTool({ name: "search_issues", arguments: { query: "bug" } }));
if (parts.includes("report"))
  told.report = text(
    await client.callTool({ name: "build_report", arguments: {} }, undefined, {
      onprogress: ({ progress }) => told.steps.push(progress),
    }),
  );
if (parts.includes("ask")) told.asked = text(await client.callTool({ name: "ask_user", arguments: {} }));
try {
  await client.callTool({ name: "delete_repo", arguments: { name: "site" } });
} catch (fault) {
  told.denied = { kind: fault.constructor.name, code: fault.code, message: fault.message, data: fault.data };
}
told.again = text(await client.callTool({ name: "search_issues", arguments: { query: "more" } }));
await transport.terminateSession();
await client.close();
console.log(JSON.stringify(told));
