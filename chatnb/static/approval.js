/**
 * A tool that asks to be run.
 *
 * @import {Proposal} from "./wire.d.ts"
 * @import {Panel} from "./panel.js"
 */

import { button, h, rove, visible } from "./page.js";

const EFFECTS = /** @type {Record<string, string>} */ ({ reads: "reads files or variables", writes: "writes files", network: "reaches the network", runs: "runs code" });

const VERDICTS = /** @type {const} */ ([["once", "Allow once"], ["session", "Allow in this session"], ["folder", "Allow in "], ["no", "No"], ["never", "Never"]]);

/**
 * @param {Panel} panel
 * @param {Proposal} proposal
 */
export function approvalCard(panel, proposal) {
  const id = `chatnb-${panel.id}-${proposal.call}`;
  const name = visible(proposal.name);
  const given = visible(JSON.stringify(proposal.arguments, null, 2));
  const preview = visible(proposal.preview ?? "");
  const isDiff = /^(---|\+\+\+|@@) /m.test(preview);
  const lines = preview.split("\n").map((line) => h("span", { class: isDiff ? { "+": "chatnb-added", "-": "chatnb-removed" }[line[0]] : null }, `${line}\n`));
  const effects = proposal.effects?.length ? ` It ${proposal.effects.map((effect) => EFFECTS[effect] ?? visible(effect)).join(", ")}.` : "";
  const buttons = VERDICTS.filter(([verdict]) => verdict !== "folder" || proposal.scope).map(([verdict, words]) => {
    const label = verdict === "folder" ? words + visible(proposal.scope ?? "") : words;
    const looks = verdict === "once" ? "chatnb-primary" : "chatnb-plainly";
    return button(null, label, () => panel.run("approve", { call: proposal.call, verdict }), label, { class: `chatnb-button ${looks}` });
  });
  return h("section", { class: "chatnb-approval", role: "group", "aria-labelledby": id, "data-call": proposal.call },
    h("p", { class: "chatnb-asked", id, tabindex: -1 }, "May ", h("code", {}, name), " run?"),
    h("p", {}, `The model asks for this.${effects}`, proposal.reason && ` ${visible(proposal.reason)}`),
    preview && h("pre", { tabindex: 0, "aria-label": "What it would do" }, ...lines),
    h("details", { open: !preview }, h("summary", {}, "Exact arguments"), h("pre", { tabindex: 0, "aria-label": "Exact arguments" }, given)),
    rove(h("div", { class: "chatnb-verdicts", role: "toolbar", "aria-label": `May ${name} run?` }, ...buttons)));
}
