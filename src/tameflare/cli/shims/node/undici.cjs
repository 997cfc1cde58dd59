// `fetch`, and every copy of undici, which all look for their dispatcher in one place.
"use strict";

const http = require("http");
const https = require("https");
const { DEFAULT_PORT, bare, wayTo } = require("./route.cjs");
const { openTunnel, secured } = require("./tunnel.cjs");
const { forNewerUndici } = require("./undici8.cjs");

const DISPATCHER = Symbol.for("undici.globalDispatcher.1");
const NEWER_DISPATCHER = Symbol.for("undici.globalDispatcher.2"); // from undici 8
const LOADING = ["fetch", "Headers", "Request", "Response", "FormData", "WebSocket", "CloseEvent", "MessageEvent", "EventSource"];

function tunnel() {
  if (!globalThis[DISPATCHER] && !ledByNode()) whenUndiciIsUsed(useTunnels);
  if (parseInt(process.versions.undici, 10) < 8 && !globalThis[NEWER_DISPATCHER]) whenNewerUndiciIsUsed();
}

// Whether Node leads `fetch` through the proxy by itself.
function ledByNode() {
  const dispatcher = globalThis[DISPATCHER];
  return Boolean(https.globalAgent.options.proxyEnv || (dispatcher && dispatcher.constructor.name === "EnvHttpProxyAgent"));
}

// ---------------------------------------------------------------------------------------------------- when it is first used

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
    for (const name of LOADING)
      if ((Object.getOwnPropertyDescriptor(place, name) || {}).configurable) traps.push(trap(place, name, wake));
  if (!globalThis[DISPATCHER]) return void traps.push(trap(globalThis, DISPATCHER, wake));
  traps.forEach(restore); // some releases load undici when it is asked what these names are
  if (!ledByNode()) prepare();
}

// An undici of version 8 would put an agent of its own in both places, and so take the proxy from `fetch` too.
function whenNewerUndiciIsUsed() {
  const trapped = trap(globalThis, NEWER_DISPATCHER, () => {
    restore(trapped);
    loadUndici();
    const value = forNewerUndici(globalThis[DISPATCHER]);
    Object.defineProperty(globalThis, NEWER_DISPATCHER, { value, writable: true, configurable: true });
  });
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

// ----------------------------------------------------------------------------------------------------------- the dispatcher

// Node's undici makes its agent, where there is none, when it is loaded.
function loadUndici() {
  void globalThis.Headers;
}

function useTunnels() {
  loadUndici();
  const ordinary = globalThis[DISPATCHER];
  if (!ordinary) return; // a Node without fetch
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
  openTunnel(wayTo(protocol, host, to), host, to, (fault, socket) => {
    if (fault || protocol === "http:") return done(fault, socket);
    const encrypted = secured({ socket }, host, servername);
    encrypted.once("error", done);
    encrypted.once("secureConnect", () => {
      encrypted.off("error", done);
      done(null, encrypted);
    });
  });
}

module.exports = { tunnel };
