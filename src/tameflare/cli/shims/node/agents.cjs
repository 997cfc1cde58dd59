// `http`, `https`, and the agents that libraries make themselves.
"use strict";

const http = require("http");
const https = require("https");
const { bare, wayTo } = require("./route.cjs");
const { openTunnel } = require("./tunnel.cjs");

function tunnel() {
  tunnelAgents(http.Agent, "http:", plain);
  tunnelAgents(https.Agent, "https:", encrypted);
}

// All agents that leave making connections to Node's own class; one that Node itself leads through a proxy is left to it.
function tunnelAgents(Agent, protocol, finish) {
  const connectDirectly = Agent.prototype.createConnection;
  Agent.prototype.createConnection = function createConnection(options, done) {
    const proxy = typeof done === "function" && routeOf(this, protocol, options);
    if (!proxy) return connectDirectly.apply(this, arguments);
    openTunnel(proxy, bare(options.host || "localhost"), Number(options.port), (fault, socket) => {
      if (fault) return done(fault);
      done(null, finish(socket, options, (more) => connectDirectly.call(this, Object.assign({}, options, more))));
    });
  };
}

function routeOf(agent, protocol, options) {
  if (!options || options.socketPath || options.socket || agent.options.proxyEnv) return null;
  return wayTo(protocol, bare(options.host || "localhost"), Number(options.port));
}

function plain(socket, options) {
  if (options.timeout) socket.setTimeout(options.timeout);
  return socket;
}

function encrypted(socket, _options, connect) {
  return connect({ socket });
}

module.exports = { tunnel };
