// Calls through the gateway by Google's own gRPC-web client; prints one JSON line.
const [url, key] = process.argv.slice(2);
global.XMLHttpRequest = require("xhr2");
const web = require("grpc-web");
const bytes = (text) => Uint8Array.from(Buffer.from(text));
const text = (message) => Buffer.from(message).toString();
const kind = (path, type) => new web.MethodDescriptor(path, type, Object, Object, bytes, text);
const service = "/triplegate.samples.v1.Echo/";
const metadata = { authorization: "Bearer " + key, "x-grpc-test-echo-initial": "first" };

async function main() {
  const said = {};
  for (const format of ["text", "binary"]) {
    const client = new web.GrpcWebClientBase({ format });
    const ask = (method, message, more = {}) =>
      client.unaryCall(url + service + method, message, { ...metadata, ...more }, kind(service + method, "unary"));
    said[format] = await ask("Echo", "hello");
    said[format + " fails"] = await ask("Fail", "", { "x-status": "5" }).then(() => "passed", (error) => [error.code, error.message]);
    said[format + " refused"] = await ask("Echo", "", { authorization: "none" }).then(() => "passed", (error) => error.code);
    if (format === "text")
      said.stream = await new Promise((resolve, reject) => {
        const got = [];
        const stream = client.serverStreaming(url + service + "Count", "3", metadata, kind(service + "Count", "server_streaming"));
        stream.on("data", (message) => got.push(message));
        stream.on("error", reject);
        stream.on("end", () => resolve(got));
      });
  }
  console.log(JSON.stringify(said));
}
main().catch((error) => { console.error(error); process.exit(1); });
