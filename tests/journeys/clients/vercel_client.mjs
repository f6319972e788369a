// Calls through the gateway by Vercel's AI SDK; prints one JSON line. Arguments: url, key, models.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [url, key, ...models] = process.argv.slice(2);
const tools = {
  get_weather: tool({
    description: "The weather in a city.",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `21 degrees in ${city}`,
  }),
};
const client = (dialect, apiKey, name) => {
  const at = { baseURL: `${url}/v1`, apiKey };
  return dialect === "messages" ? createAnthropic(at)(name) : createOpenAI(at)[dialect](name);
};

const told = async (result) => {
  const usage = await result.usage;
  return { text: await result.text, usage: [usage.inputTokens, usage.outputTokens] };
};
const looped = async (result) => {
  const steps = await result.steps;
  const call = steps[0].toolCalls[0];
  return { steps: steps.length, call: [call.toolName, call.input], ...(await told(result)) };
};
const streamed = async (asked) => {
  const failed = [];
  const result = streamText({ ...asked, onError: ({ error }) => failed.push(error) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  if (failed.length) throw failed[0];
  if (text !== (await result.text)) throw new Error("the pieces are not the text: " + text);
  return result;
};

const said = {};
for (const dialect of ["chat", "responses", "messages"])
  for (const name of models) {
    // the gateway keeps no items of answers for a team: the SDK must send them, not their ids
    const providerOptions = { openai: { store: false } };
    const asked = { model: client(dialect, key, name), prompt: "hello", maxRetries: 0, providerOptions };
    const loop = { ...asked, tools, stopWhen: stepCountIs(3) };
    said[`${dialect} ${name}`] = {
      whole: await told(await generateText(asked)),
      stream: await told(await streamed(asked)),
      tools: await looped(await generateText(loop)),
      "tools stream": await looped(await streamed(loop)),
      refused: await generateText({ ...asked, model: client(dialect, "tg_no", name) }).then(() => 200, (error) => error.statusCode),
    };
  }
console.log(JSON.stringify(said));
