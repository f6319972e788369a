// Calls through the gateway by OpenAI's and Anthropic's own npm clients; prints one JSON line. Arguments: url, key, models.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [url, key, ...models] = process.argv.slice(2);
const hello = { role: "user", content: "hello" };
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = (args) => `21 degrees in ${args.city}`;

function chat(apiKey, model) {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0, timeout: 20000 });
  const told = (answer) => ({
    text: answer.choices[0].message.content,
    usage: [answer.usage?.prompt_tokens, answer.usage?.completion_tokens],
  });
  const whole = (body) => client.chat.completions.create({ model, ...body });
  const stream = async (body) => {
    const helper = client.chat.completions.stream({ model, stream_options: { include_usage: true }, ...body });
    let text = "";
    helper.on("content", (piece) => (text += piece));
    const answer = await helper.finalChatCompletion();
    if (text !== (answer.choices[0].message.content ?? "")) throw new Error("the pieces are not the text: " + text);
    return answer;
  };
  const loop = async (ask) => {
    const tools = [{ type: "function", function: { name: "get_weather", description: "The weather in a city.", parameters: city } }];
    const { message, finish_reason } = (await ask({ messages: [hello], tools })).choices[0];
    const call = message.tool_calls[0];
    const args = JSON.parse(call.function.arguments);
    const result = { role: "tool", tool_call_id: call.id, content: weather(args) };
    const answer = await ask({ messages: [hello, message, result], tools });
    return { call: [call.function.name, args], stop: finish_reason, ...told(answer) };
  };
  return { whole, stream, loop, told };
}

function messages(apiKey, model) {
  const client = new Anthropic({ baseURL: url, apiKey, maxRetries: 0, timeout: 20000 });
  const told = (answer) => ({
    text: answer.content.map((block) => block.text ?? "").join(""),
    usage: [answer.usage.input_tokens, answer.usage.output_tokens],
  });
  const whole = (body) => client.messages.create({ model, max_tokens: 99, ...body });
  const stream = async (body) => {
    const helper = client.messages.stream({ model, max_tokens: 99, ...body });
    let text = "";
    helper.on("text", (piece) => (text += piece));
    const answer = await helper.finalMessage();
    if (text !== told(answer).text) throw new Error("the pieces are not the text: " + text);
    return answer;
  };
  const loop = async (ask) => {
    const tools = [{ name: "get_weather", description: "The weather in a city.", input_schema: city }];
    const first = await ask({ messages: [hello], tools });
    const call = first.content.find((block) => block.type === "tool_use");
    const result = { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: weather(call.input) }] };
    const answer = await ask({ messages: [hello, { role: "assistant", content: first.content }, result], tools });
    return { call: [call.name, call.input], stop: first.stop_reason, ...told(answer) };
  };
  return { whole, stream, loop, told };
}

const failed = (error) => [error.status, error.constructor.name];
const said = {};
for (const [dialect, client] of Object.entries({ chat, messages }))
  for (const model of models) {
    const { whole, stream, loop, told } = client(key, model);
    const stranger = client("tg_no", model);
    said[`${dialect} ${model}`] = {
      whole: told(await whole({ messages: [hello] })),
      stream: told(await stream({ messages: [hello] })),
      tools: await loop(whole),
      "tools stream": await loop(stream),
      refused: await stranger.whole({ messages: [hello] }).then(() => 200, failed),
      "refused stream": await stranger.stream({ messages: [hello] }).then(() => 200, failed),
    };
  }
console.log(JSON.stringify(said));
