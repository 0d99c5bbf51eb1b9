// A stand-in that is enough to try the kernel's side: one line to ask, one button to stop, the text as it comes.
function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  let rev = -1, live = null, count = 0;
  const log = document.createElement("pre"), line = document.createElement("input"), stop = document.createElement("button");
  stop.textContent = "Stop";
  el.append(log, line, stop);
  const send = (name, fields = {}) => model.send({ v: 1, do: name, id: `c${++count}`, view, ...fields });
  const hello = () => { rev = -1; send("hello"); };
  const hear = (message) => {
    if (message.kind === "snapshot" && (message.view === null || message.view === view)) {
      rev = message.rev; live = message.state.live && message.state.live.turn;
      log.textContent = JSON.stringify(message.state, null, 1);
    } else if (message.kind === "delta" && rev >= 0 && message.rev > rev) {
      if (message.rev !== rev + 1) return hello();
      rev = message.rev;
      for (const change of message.changes) {
        if (change.is === "began") live = change.live.turn;
        log.textContent += "\n" + JSON.stringify(change);
      }
    } else if (message.kind === "failed" && message.view === view) log.textContent += "\n" + message.error;
  };
  model.on("msg:custom", hear);
  line.onchange = () => { send("ask", { text: line.value, attachments: [] }); line.value = ""; };
  stop.onclick = () => send("cancel", { turn: live });
  hello();
  return () => { send("bye"); model.off("msg:custom", hear); };
}
export default { render };
