// Preloaded into Node programs (node --import) that would listen on every interface: they get loopback, and say which port.
import net from "node:net";
import { stderr } from "node:process";

const { listen } = net.Server.prototype;

net.Server.prototype.listen = function (...args) {
  const [port, host] = args;
  const saysWhere = typeof port === "object" || typeof host === "string" || !/^\d+$/.test(String(port));
  this.once("listening", () => stderr.write(`listening ${JSON.stringify(this.address())}\n`));
  return listen.apply(this, saysWhere ? args : [Number(port), "127.0.0.1", ...args.slice(1)]);
};
