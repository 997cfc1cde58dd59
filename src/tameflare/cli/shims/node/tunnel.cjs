// A tunnel through the proxy: CONNECT (RFC 9110 section 9.3.6), and the reason where it is refused.
"use strict";

const { request: ask } = require("http"); // as it is before libraries that watch requests wrap it
const net = require("net");
const tls = require("tls");

const CONNECT_MILLISECONDS = 30000;
const MOST_OF_A_REFUSAL = 16384; // bytes

// Calls done(fault) or done(null, socket) once.
function openTunnel(proxy, host, port, done) {
  const authority = (net.isIPv6(host) ? `[${host}]` : host) + ":" + port;
  const headers = proxy.authorization ? { Host: authority, "Proxy-Authorization": proxy.authorization } : { Host: authority };
  const request = ask({ method: "CONNECT", path: authority, headers, createConnection: () => toProxy(proxy) });
  const failed = (fault) => done(unreachable(proxy, fault));
  request.setTimeout(CONNECT_MILLISECONDS, () => request.destroy(new Error("it does not answer")));
  request.once("error", failed);
  request.once("connect", (response, socket, head) => {
    request.off("error", failed);
    socket.setTimeout(0);
    if (response.statusCode !== 200) return readRefusal(socket, head, response, (text) => done(refused(authority, response, text)));
    if (head.length) socket.unshift(head);
    done(null, socket);
  });
  request.end();
}

function toProxy({ host, port, encrypted }) {
  return encrypted ? secured({ host, port }, host) : net.connect({ host, port });
}

// TLS for HTTP/1.1 to a host, over what `options` say.
function secured(options, host, servername) {
  const name = servername || (net.isIP(host) ? "" : host);
  return tls.connect(Object.assign({ host, servername: name, ALPNProtocols: ["http/1.1"] }, options));
}

function readRefusal(socket, head, response, done) {
  const stated = Number(response.headers["content-length"]);
  const wanted = Math.min(Number.isNaN(stated) ? MOST_OF_A_REFUSAL : stated, MOST_OF_A_REFUSAL);
  let text = head;
  const more = (data) => {
    text = Buffer.concat([text, data]);
    if (text.length >= wanted) socket.destroy();
  };
  socket.on("error", () => socket.destroy()); // what came before it is told
  socket.once("close", () => done(text.toString("utf8", 0, wanted)));
  socket.on("data", more);
  more(Buffer.alloc(0));
}

function refused(authority, response, text) {
  const said = facts(text);
  const about = [said.message || text.trim() || response.statusMessage, said.help].filter(Boolean).join("; ");
  const fault = new Error(`the proxy refused a connection to ${authority}: ${about} (${said.code || response.statusCode})`);
  return Object.assign(fault, { code: "ERR_PROXY_TUNNEL", statusCode: response.statusCode, reason: said.code });
}

// The fields of TameFlare's own refusals; none where the answer is somebody else's.
function facts(text) {
  try {
    return Object(JSON.parse(text));
  } catch (_) {
    return {};
  }
}

function unreachable(proxy, fault) {
  const wrapped = new Error(`the proxy at ${proxy.host}:${proxy.port} cannot be reached: ${fault.message}`);
  return Object.assign(wrapped, { code: fault.code || "ERR_PROXY_TUNNEL", cause: fault });
}

module.exports = { openTunnel, secured };
