// The dispatcher of Node's own undici for an undici of version 8, whose handlers have other methods.
"use strict";

function forNewerUndici(dispatcher) {
  return {
    dispatch: (options, handler) => dispatcher.dispatch(options, translated(handler)),
    close: (...rest) => dispatcher.close(...rest),
    destroy: (...rest) => dispatcher.destroy(...rest),
    compose(...interceptors) {
      const wrap = (inner, interceptor) => (interceptor ? interceptor(inner) : inner);
      return Object.assign({}, this, { dispatch: interceptors.flat().reduce(wrap, this.dispatch) });
    },
  };
}

// A handler of the older kind that tells one of the newer kind.
function translated(handler) {
  const control = new Control();
  const tell = (name, ...rest) => handler[name] && handler[name](...rest);
  const goOn = () => !control.paused;
  return {
    onConnect(abort, context) {
      control.begin(abort);
      tell("onRequestStart", control, context);
    },
    onBodySent: (piece) => tell("onBodySent", piece),
    onRequestSent: () => tell("onRequestSent"),
    onResponseStarted: () => tell("onResponseStarted"),
    onHeaders(status, raw, resume, text) {
      control.answer(raw, resume);
      tell("onResponseStart", control, status, fields(raw), text);
      return goOn();
    },
    onData(piece) {
      tell("onResponseData", control, piece);
      return goOn();
    },
    onComplete(raw) {
      control.rawTrailers = raw;
      tell("onResponseEnd", control, fields(raw || []));
    },
    onUpgrade(status, raw, socket) {
      control.answer(raw);
      tell("onRequestUpgrade", control, status, fields(raw || []), socket);
    },
    onError: (fault) => tell("onResponseError", control, fault),
  };
}

// What a newer handler stops and goes on with.
class Control {
  constructor() {
    Object.assign(this, { paused: false, aborted: false, reason: null, rawHeaders: null, rawTrailers: null });
  }

  begin(abort) {
    this.give = abort;
  }

  answer(raw, resume) {
    this.rawHeaders = raw;
    this.goOn = resume;
  }

  pause() {
    this.paused = true;
  }

  resume() {
    if (!this.paused) return;
    this.paused = false;
    if (this.goOn) this.goOn();
  }

  abort(reason) {
    if (this.aborted) return;
    Object.assign(this, { aborted: true, reason });
    this.give(reason);
  }
}

// Fields by name in small letters; one that came more than once has a list.
function fields(raw) {
  const found = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at].toString("latin1").toLowerCase();
    const value = raw[at + 1].toString("latin1");
    found[name] = name in found ? [].concat(found[name], value) : value;
  }
  return found;
}

module.exports = { forNewerUndici };
