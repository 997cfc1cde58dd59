// An MCP server of the official TypeScript SDK on local TLS: `node server.mjs CERTIFICATE KEY LEDGER [--json]`.
// Prints its port. Every call of a tool, and the credential of every request, is a line in the ledger.
import { randomUUID } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const [cert, key, ledger, mode] = process.argv.slice(2);
const note = (line) => appendFileSync(ledger, line + "\n");
const said = (text) => ({ content: [{ type: "text", text }] });
const sessions = new Map();

function makeServer() {
  const server = new McpServer({ name: "double", version: "1" });
  const tool = (name, inputSchema, work) =>
    server.registerTool(name, { inputSchema }, async (input, extra) => {
      note(`call ${[name, ...Object.values(input)].join(" ")}`);
      return said(await work(input, extra));
    });
  tool("search_issues", { query: z.string() }, ({ query }) => `found ${query}`);
  tool("delete_repo", { name: z.string() }, () => "gone");
  tool("repo.read", {}, () => "readme");
  tool("build_report", {}, async (_, extra) => {
    const progressToken = extra._meta?.progressToken;
    for (const progress of [1, 2, 3])
      await extra.sendNotification({ method: "notifications/progress", params: { progressToken, progress, total: 3 } });
    return "done";
  });
  tool("ask_user", {}, async () => {
    const requestedSchema = { type: "object", properties: { sure: { type: "boolean" } } };
    return (await server.server.elicitInput({ message: "sure?", requestedSchema })).action;
  });
  return server;
}

async function transportOf(id) {
  if (sessions.has(id)) return sessions.get(id);
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: mode === "--json",
    onsessioninitialized: (made) => sessions.set(made, transport),
    onsessionclosed: (ended) => sessions.delete(ended),
  });
  await makeServer().connect(transport);
  return transport;
}

const listener = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (request, response) => {
  note(`${request.method} ${request.headers.authorization ?? ""}`);
  await (await transportOf(request.headers["mcp-session-id"])).handleRequest(request, response);
});
listener.listen(0, "127.0.0.1", () => console.log(listener.address().port));
