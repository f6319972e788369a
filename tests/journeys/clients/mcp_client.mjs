// One of the TypeScript clients: does the plan on its standard input, prints what it saw.
// node mcp_client.mjs sdk|legacy|auto|modern   (sdk = the v1 line; the others are modes of the v2 client)
import { readFileSync } from "node:fs";

const plan = JSON.parse(readFileSync(0, "utf8"));
const kind = process.argv[2];
const requestInit = { headers: plan.headers };
const identity = { name: "journey", version: "1" };

async function connected() {
  const url = new URL(plan.url);
  if (kind === "sdk") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const client = new Client(identity, { capabilities: {} });
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
    return client;
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const mode = kind === "modern" ? { pin: "2026-07-28" } : kind;
  const client = new Client(identity, { capabilities: {}, versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
  return client;
}

function call(client, asked, options) {
  const params = { name: asked.tool, arguments: asked.arguments };
  return kind === "sdk" ? client.callTool(params, undefined, options) : client.callTool(params, options);
}

const client = await connected();
const told = { tools: [], answers: {}, progress: [], cancelled: false };
for (let cursor; ; ) {
  const page = await client.listTools(cursor ? { cursor } : {});
  told.tools.push(...page.tools.map((tool) => tool.name));
  cursor = page.nextCursor;
  if (!cursor) break;
}
for (const asked of plan.calls) {
  try {
    const answer = await call(client, asked);
    told.answers[asked.id] = { content: answer.content, error: answer.isError === true };
  } catch (error) {
    told.answers[asked.id] = { code: error.code };
  }
}
await call(client, plan.stream, { onprogress: (step) => told.progress.push(step.progress) });
const abort = new AbortController();
try {
  await call(client, plan.cancel, { signal: abort.signal, onprogress: () => abort.abort("enough") });
} catch {
  told.cancelled = abort.signal.aborted;
}
await client.close();
process.stdout.write(JSON.stringify(told) + "\n", () => process.exit(0));
