// `http`, `https`, and the agents that libraries make themselves.
"use strict";

const http = require("http");
const https = require("https");
const { DEFAULT_PORT, bare, wayTo } = require("./route.cjs");
const { openTunnel } = require("./tunnel.cjs");

function tunnel() {
  tunnelAgents(http.Agent, "http:", plain);
  tunnelAgents(https.Agent, "https:", encrypted);
}

// All agents that leave making connections to Node's own class; one that Node itself leads through a proxy is left to it.
function tunnelAgents(Agent, protocol, finish) {
  const connectDirectly = Agent.prototype.createConnection;
  Agent.prototype.createConnection = function createConnection(options, done) {
    if (typeof done !== "function" || isLedElsewhere(this, options)) return connectDirectly.apply(this, arguments);
    const host = bare(options.host || "localhost");
    const port = Number(options.port) || DEFAULT_PORT[protocol];
    const proxy = wayTo(protocol, host, port);
    if (!proxy) return connectDirectly.call(this, options, done);
    openTunnel(proxy, host, port, (fault, socket) => {
      if (fault) return done(fault);
      done(null, finish(socket, options, (more) => connectDirectly.call(this, Object.assign({}, options, more))));
    });
  };
}

// To a socket that is no host, over a connection that is there, or by Node itself.
function isLedElsewhere(agent, options) {
  return !options || options.socketPath || options.socket || agent.options.proxyEnv;
}

function plain(socket, options) {
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket;
}

function encrypted(socket, _options, connect) {
  return connect({ socket });
}

module.exports = { tunnel };
