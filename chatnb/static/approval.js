/**
 * A tool that asks to be run.
 *
 * @import {Proposal} from "./wire.d.ts"
 * @import {Panel} from "./panel.js"
 */

import { button, h, lines, rove, visible } from "./page.js";

const EFFECTS = /** @type {Record<string, string>} */ ({ reads: "reads files or variables", writes: "writes files", network: "reaches the network", runs: "runs code" });

const VERDICTS = /** @type {const} */ ([["once", "Allow once"], ["session", "Allow in this session"], ["folder", "Allow in "], ["no", "No"], ["never", "Never"]]);

/**
 * @param {Panel} panel
 * @param {Proposal} proposal
 */
export function approvalCard(panel, proposal) {
  const id = `chatnb-${panel.id}-${proposal.call}`;
  const { name } = proposal;
  const given = JSON.stringify(proposal.arguments, null, 2);
  const preview = visible(proposal.preview ?? "");
  const isDiff = /^(---|\+\+\+|@@) /m.test(preview);
  const shown = lines("What it would do");
  for (const line of preview.split("\n")) shown.append(h(isDiff && line[0] === "+" ? "span.added" : isDiff && line[0] === "-" ? "span.removed" : "span", {}, `${line}\n`));
  const effects = proposal.effects?.length ? ` It ${proposal.effects.map((effect) => EFFECTS[effect] ?? effect).join(", ")}.` : "";
  const buttons = VERDICTS.filter(([verdict]) => verdict !== "folder" || proposal.scope).map(([verdict, words]) => {
    const label = verdict === "folder" ? words + proposal.scope : words;
    return button(null, label, () => panel.run("approve", { call: proposal.call, verdict }), label, { kind: verdict === "once" ? "primary" : "plainly" });
  });
  return h("section.approval", { role: "group", "aria-labelledby": id, "data-call": proposal.call },
    h("p.asked", { id, tabindex: -1 }, "May ", h("code", {}, name), " run?"),
    h("p", {}, `The model asks for this.${effects}`, proposal.reason && ` ${proposal.reason}`),
    preview && shown,
    h("details", { open: !preview }, h("summary", {}, "Exact arguments"), lines("Exact arguments", given)),
    rove(h("div.verdicts", { role: "toolbar", label: `May ${name} run?` }, ...buttons)));
}
