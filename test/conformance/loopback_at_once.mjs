// Preloaded into the conformance suite, which listens on every interface and asks for its port in the same breath: it gets
// loopback without the detour through a name lookup that a host name would take.
import net from "node:net";

const { _listen2 } = net.Server.prototype;

net.Server.prototype._listen2 = function (address, port, addressType, ...rest) {
  const everywhere = address === null || address === undefined;
  return _listen2.call(this, everywhere ? "127.0.0.1" : address, port, everywhere ? 4 : addressType, ...rest);
};
