// Leads the HTTP clients of a Node process through the proxy that HTTP_PROXY and HTTPS_PROXY name.
//
// Node before 22.21 and 24.5 takes no proxy from the environment, and later ones take it for `fetch` and for their global
// agents, not for agents that a library makes itself. `tf run` preloads this file by NODE_OPTIONS. It does for each part
// what Node does not do, and nothing where Node does. Every request goes through a CONNECT tunnel; the authorities that
// are trusted in it come from NODE_EXTRA_CA_CERTS. HTTP/2 sessions and sockets that are no HTTP are left alone.
"use strict";

const http = require("http");
const https = require("https");
const net = require("net");
const tls = require("tls");

const { request: ask } = http; // as it is before libraries that watch requests wrap it
const LOADED = Symbol.for("tameflare.preload");
const DISPATCHER = Symbol.for("undici.globalDispatcher.1"); // where every undici, Node's own too, looks for its dispatcher
const UNDICI = ["fetch", "Headers", "Request", "Response", "FormData", "WebSocket", "CloseEvent", "MessageEvent", "EventSource"];
const DEFAULT_PORT = { "http:": 80, "https:": 443 };
const CONNECT_MILLISECONDS = 30000;
const MOST_OF_A_REFUSAL = 16384;

// ---------------------------------------------------------------------------------------------------- which way to go

const routes = { "http:": proxyOf("HTTP_PROXY"), "https:": proxyOf("HTTPS_PROXY") };
const direct = fromEnvironment("NO_PROXY").toLowerCase().split(/[\s,]+/).filter(Boolean).map(pattern);

function fromEnvironment(name) {
  return process.env[name.toLowerCase()] || process.env[name] || "";
}

function proxyOf(variable) {
  const value = fromEnvironment(variable);
  if (!value) return null;
  const url = new URL(value.includes("://") ? value : "http://" + value);
  if (!(url.protocol in DEFAULT_PORT)) return null;
  const pair = decodeURIComponent(url.username) + ":" + decodeURIComponent(url.password);
  return {
    tls: url.protocol === "https:",
    host: bare(url.hostname),
    port: Number(url.port) || DEFAULT_PORT[url.protocol],
    authorization: pair === ":" ? null : "Basic " + Buffer.from(pair).toString("base64"),
  };
}

// The proxy for a host; null where it is reached directly: named in NO_PROXY, or the proxy itself.
function wayTo(protocol, host, port) {
  const proxy = routes[protocol];
  if (!proxy || (proxy.host === host && proxy.port === port)) return null;
  return direct.some((fits) => fits(host.toLowerCase(), port)) ? null : proxy;
}

// One entry of NO_PROXY, as Node reads it: `*`, a host, `.domain` or `*.domain` for all below it, each with or without a port.
function pattern(entry) {
  if (entry === "*") return () => true;
  const found = /^(.*[^:]):(\d+)$/.exec(entry);
  const name = bare(found ? found[1] : entry);
  const fits = /^\*?\./.test(name) ? (host) => host.endsWith(name.replace(/^\*/, "")) : (host) => host === name;
  return (host, port) => (!found || Number(found[2]) === port) && fits(host);
}

function bare(host) {
  return host.replace(/^\[(.*)\]$/, "$1");
}

// ------------------------------------------------------------------------------------------------------ the tunnel itself

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

function toProxy({ host, port, tls: encrypted }) {
  if (!encrypted) return net.connect({ host, port });
  return tls.connect({ host, port, servername: net.isIP(host) ? "" : host, ALPNProtocols: ["http/1.1"] });
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

// ----------------------------------------------------------------------------------- http, https and agents of libraries

// All agents that leave making connections to Node's own class; one that Node itself leads through a proxy is left to it.
function tunnelAgents(Agent, protocol, finish) {
  const connectDirectly = Agent.prototype.createConnection;
  Agent.prototype.createConnection = function createConnection(options, done) {
    const proxy = typeof done === "function" && routeOfAgent(this, protocol, options);
    if (!proxy) return connectDirectly.apply(this, arguments);
    openTunnel(proxy, bare(options.host || "localhost"), Number(options.port), (fault, socket) => {
      if (fault) return done(fault);
      done(null, finish(socket, (more) => connectDirectly.call(this, Object.assign({}, options, more)), options));
    });
  };
}

function routeOfAgent(agent, protocol, options) {
  if (!options || options.socketPath || options.socket || agent.options.proxyEnv) return null;
  return wayTo(protocol, bare(options.host || "localhost"), Number(options.port));
}

function plain(socket, _connect, options) {
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket;
}

function encrypted(socket, connect) {
  return connect({ socket });
}

// ------------------------------------------------------------------------------------------------- fetch and every undici

// Node loads its undici when one of these names is first used; what is set here goes away with that first use. From 22.5
// an import of `http` uses three of them too.
function whenUndiciIsUsed(prepare) {
  const traps = [];
  const wake = () => {
    const untouched = traps.splice(0).filter(isStill);
    untouched.forEach(restore);
    if (untouched.some(({ name }) => name === DISPATCHER)) prepare(); // else the program has set one of its own
  };
  for (const place of [globalThis, http])
    for (const name of UNDICI)
      if ((Object.getOwnPropertyDescriptor(place, name) || {}).configurable) traps.push(trap(place, name, wake));
  if (!globalThis[DISPATCHER]) return void traps.push(trap(globalThis, DISPATCHER, wake));
  traps.forEach(restore); // some releases load undici when it is asked what these names are
  if (!ledByNode()) prepare();
}

function trap(place, name, wake) {
  const original = Object.getOwnPropertyDescriptor(place, name);
  const enumerable = Boolean(original && original.enumerable);
  const get = () => (wake(), place[name]);
  const set = (value) => Object.defineProperty(place, name, { value, writable: true, enumerable, configurable: true });
  Object.defineProperty(place, name, { get, set, enumerable, configurable: true });
  return { place, name, original, get };
}

function isStill({ place, name, get }) {
  return (Object.getOwnPropertyDescriptor(place, name) || {}).get === get;
}

function restore({ place, name, original }) {
  if (original) Object.defineProperty(place, name, original);
  else delete place[name];
}

function useTunnels() {
  void globalThis.Headers; // loads Node's undici, which makes its agent
  const ordinary = globalThis[DISPATCHER];
  if (!ordinary) return;
  class Tunnelling extends ordinary.constructor {
    dispatch(options, handler) {
      const { protocol, hostname, port } = new URL(options.origin);
      const way = wayTo(protocol, bare(hostname), Number(port) || DEFAULT_PORT[protocol]);
      return way ? super.dispatch(options, handler) : ordinary.dispatch(options, handler);
    }
  }
  globalThis[DISPATCHER] = new Tunnelling({ connect });
}

// A connector of undici: calls done(fault) or done(null, socket).
function connect({ protocol, hostname, port, servername }, done) {
  const host = bare(hostname);
  const to = Number(port) || DEFAULT_PORT[protocol];
  openTunnel(wayTo(protocol, host, to), host, to, (fault, tunnel) => {
    if (fault || protocol === "http:") return done(fault, tunnel);
    const name = servername || (net.isIP(host) ? "" : host);
    const socket = tls.connect({ socket: tunnel, servername: name, host, ALPNProtocols: ["http/1.1"] });
    socket.once("error", done);
    socket.once("secureConnect", () => {
      socket.off("error", done);
      done(null, socket);
    });
  });
}

// ---------------------------------------------------------------------------------------------------------------- at start

// Whether Node leads `fetch` through the proxy by itself.
function ledByNode() {
  const dispatcher = globalThis[DISPATCHER];
  return Boolean(https.globalAgent.options.proxyEnv || (dispatcher && dispatcher.constructor.name === "EnvHttpProxyAgent"));
}

if (!globalThis[LOADED] && (routes["http:"] || routes["https:"])) {
  Object.defineProperty(globalThis, LOADED, { value: true });
  tunnelAgents(http.Agent, "http:", plain);
  tunnelAgents(https.Agent, "https:", encrypted);
  if (!globalThis[DISPATCHER] && !ledByNode()) whenUndiciIsUsed(useTunnels);
}
