// What anywidget gives to a panel, played by a script: `kernel.answers` says what each command is answered with, and
// `kernel.emit` sends what a kernel would send.
import widget from "./panel.js";

const listeners = new Set();
const kernel = {
  sent: [],
  answers: {},
  state: null,
  rev: 0,
  isGone: false,
  emit(message) {
    for (const listener of [...listeners]) listener({ v: 1, ...message });
  },
  snapshot(view) {
    kernel.emit({ kind: "snapshot", view: view ?? kernel.sent.at(-1).view, rev: kernel.rev, state: kernel.state });
  },
  change(...changes) {
    kernel.rev += 1;
    kernel.emit({ kind: "delta", rev: kernel.rev, changes });
  },
};
const model = {
  send(message) {
    if (kernel.isGone) throw new Error("Cannot send");
    kernel.sent.push(message);
    queueMicrotask(() => {
      const { id, view } = message;
      if (message.do === "hello") {
        if (kernel.state) kernel.snapshot(view);
        return;
      }
      const answer = kernel.answers[message.do];
      if (answer === null) return;
      if (answer?.error) kernel.emit({ kind: "failed", view, id, error: answer.error });
      else kernel.emit({ kind: "done", view, id, ...answer });
    });
  },
  on: (name, listener) => listeners.add(listener),
  off: (name, listener) => listeners.delete(listener),
};

window.kernel = kernel;
window.model = model;
window.show = (context) => {
  if (context) model.widget_manager = { context };
  window.away = widget.render({ model, el: document.getElementById("output") });
};
