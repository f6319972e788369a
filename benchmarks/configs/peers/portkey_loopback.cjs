// Portkey has no option for its address: keep it on 127.0.0.1.
const { Server } = require("net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (first, ...rest) {
  if (first && typeof first === "object") return listen.call(this, { ...first, host: "127.0.0.1" }, ...rest);
  return listen.call(this, { port: Number(first), host: "127.0.0.1" }, ...rest.filter((one) => typeof one === "function"));
};
